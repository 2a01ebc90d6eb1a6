// Package redis keeps tasks in Redis 7, or a server that is like it: stand-alone, with Sentinel, or a
// cluster.
//
// All keys of a store begin with its namespace in braces, so that they are in one slot: one namespace
// is one unit of transactions, unique keys and order, and a cluster is filled by several. Every change
// is one Lua script that reads first, and writes only when nothing can go wrong any more.
//
// What survives a crash of the server is up to its settings: see [Durability]. A server that may evict
// keys is refused. The store's clock is the server's.
//
// The scripts are in the folder lua; the layout of the keys is described in common.lua.
package redis
