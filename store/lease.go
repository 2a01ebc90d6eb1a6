package store

import (
	"crypto/rand"
	"encoding/hex"
)

// A LeaseID names one claim call: 128 random bits. The store records which tasks it holds, and
// every settling write proves it. Whoever claims makes the id, so that a claim whose reply was
// lost can be asked for again.
type LeaseID [16]byte

// NewLeaseID returns a fresh random id.
func NewLeaseID() LeaseID {
	var id LeaseID
	_, _ = rand.Read(id[:]) // never fails: see crypto/rand
	return id
}

// IsZero reports whether the id is unset.
func (id LeaseID) IsZero() bool { return id == LeaseID{} }

// String returns the id as 32 hexadecimal digits.
func (id LeaseID) String() string { return hex.EncodeToString(id[:]) }
