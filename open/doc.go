// Package open makes a store from a URL, so that the choice of the database can be configuration. It
// is the only package that knows all drivers: an application that has chosen need not link them, and
// calls New of that store's own package.
//
// These are the URLs. The drivers' own parameters are as in their documentation.
//
//	memory://
//	sqlite:tasks.db                          a relative path; also sqlite://tasks.db
//	sqlite:///var/lib/app/tasks.db           an absolute one
//	postgres://user:password@host,host/db    also postgresql://
//	redis://user:password@host:6379/0        rediss:// with TLS
//	redis+cluster://user:password@host,host  rediss+cluster:// with TLS
//	redis+sentinel://host,host/0?master_name=main&username=user&password=password
//	                                         rediss+sentinel:// with TLS; a user before the hosts
//	                                         is the sentinels'
//	mongodb://user:password@host,host/db     the database is "firefly" if there is none
//	mongodb+srv://user:password@host/db
//
// Firefly's own parameters begin with firefly_ and never reach a driver:
//
//	firefly_namespace         PostgreSQL's Schema, Redis' Namespace, SQLite's and MongoDB's Prefix
//	firefly_retention         how long completed tasks are kept, 48h say; ten minutes or more
//	firefly_retention_failed  the same for failed and cancelled ones: PostgreSQL, Redis, MongoDB
//	firefly_pooler            true for a PostgreSQL behind PgBouncer in transaction mode
//	firefly_notify            false, and PostgreSQL sends no NOTIFY
//	firefly_replicas          how many replicas of Redis a write waits for,
//	firefly_replicas_within   and how long at most
//
// Special characters in a user, a password or a path are percent-encoded. No error shows a password.
package open
