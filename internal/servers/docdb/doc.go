// Package docdb is a fixture for tests: enough of a MongoDB for a store of tasks, on machines that
// have none. DocumentDB, an extension of PostgreSQL, keeps the documents and carries out commands.
// The gateway in this package stands in front of it, speaks the wire protocol, and adds what
// DocumentDB leaves to others: sessions, transactions of many documents, and writes that a client
// may repeat.
//
// What PostgreSQL commits at once, in one transaction, is what MongoDB would: a transaction of a
// session is one of PostgreSQL's, under REPEATABLE READ, and a write outside of transactions is
// stored together with its reply, so that a repetition is answered even after a crash.
//
// It is no MongoDB. There are no change streams, no collations, and no authentication, and some
// operators and messages differ.
package docdb
