// Package verify tells an operator whether a database keeps what Firefly promises: it runs the conformance
// kit of package storetest against it, outside of go test. [Command] is the command for it.
//
// Each case has a scratch store of its own (see [open.Scratch]): the tasks of the store that the URL names
// are neither read nor changed, but their server has work to do meanwhile, and Redis shows all of its keys
// once for each case. The user in the URL needs the right to make a schema, namespace, collections or file.
//
// It is a package of its own since the kit links package testing into the program. It adds no flags to it.
package verify
