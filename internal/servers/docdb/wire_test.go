package docdb_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/internal/servers/docdb"
)

// sizeOf returns the size of something with a content.
func sizeOf(more int, content []byte) []byte {
	return binary.LittleEndian.AppendUint32(nil, uint32(more+len(content))) //nolint:gosec // it is small
}

// newMessage returns a message of a kind.
func newMessage(kind uint32, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	b := append(sizeOf(16, content), 1, 0, 0, 0, 0, 0, 0, 0)
	return append(binary.LittleEndian.AppendUint32(b, kind), content...)
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := bson.Marshal(v)
	must(t, err)
	return b
}

func TestReadMessage(t *testing.T) {
	const query, msg = 2004, 2013
	command, one, two := marshal(t, d{{Key: "insert", Value: "c"}}), marshal(t, doc(1, 1)), marshal(t, doc(2, 2))
	flags := func(f byte) []byte { return []byte{f, 0, 0, 0} }
	sequence := func(docs ...[]byte) []byte {
		content := append([]byte("documents\x00"), bytes.Join(docs, nil)...)
		return slices.Concat([]byte{1}, sizeOf(4, content), content)
	}
	body := append([]byte{0}, command...)
	both := append(bytes.Clone(one), two...)
	for _, tc := range []struct {
		name      string
		message   []byte
		documents []byte
	}{
		{"a command", newMessage(msg, flags(0), body), nil},
		{"with documents", newMessage(msg, flags(0), body, sequence(one, two)), both},
		{"after its documents", newMessage(msg, flags(0), sequence(one, two), body), both},
		{"with a checksum", newMessage(msg, flags(1), body, flags(9)), nil},
		{"as a query", newMessage(query, flags(0), []byte("db.$cmd\x00"), flags(0), flags(1), command), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, documents, err := docdb.ReadMessage(tc.message)
			if err != nil || !bytes.Equal(got, command) || !bytes.Equal(documents, tc.documents) {
				t.Errorf("got %s with %v, error %v", got, documents, err)
			}
			for n := range tc.message {
				part := bytes.Clone(tc.message[:n])
				if _, _, err := docdb.ReadMessage(part); err == nil {
					t.Errorf("the first %d of %d bytes are read", n, len(tc.message))
				}
				if n >= 4 { // as if they were all: this may be a message
					binary.LittleEndian.PutUint32(part, uint32(n))
					_, _, _ = docdb.ReadMessage(part)
				}
			}
		})
	}
	for name, message := range map[string][]byte{
		"of no bytes":            newMessage(msg)[:0],
		"of an unknown kind":     newMessage(1, flags(0), body),
		"without a command":      newMessage(msg, flags(0)),
		"with an unknown part":   newMessage(msg, flags(0), []byte{7}),
		"with a false document":  newMessage(msg, flags(0), []byte{0}, []byte{8, 0, 0, 0, 1, 2, 3, 0}),
		"with false documents":   newMessage(msg, flags(0), body, sequence([]byte{1, 2, 3, 4, 5})),
		"with an empty document": newMessage(msg, flags(0), body, sequence(flags(0))),
		"too long":               append([]byte{255, 255, 255, 127}, newMessage(msg, flags(0), body)[4:]...),
	} {
		if _, _, err := docdb.ReadMessage(message); err == nil {
			t.Errorf("a message %s is read", name)
		}
	}
}

func TestFromState(t *testing.T) {
	pack := func(state string) (code int64) {
		for i := range state {
			code |= int64(state[i]-'0') & 0x3f << (6 * i)
		}
		return code
	}
	for _, tc := range []struct {
		state, message string
		code           int32
		want           string
	}{
		{"40001", "late", 112, "late"},
		{"57014", "slow", 50, "slow"},
		{"M0008", "none", 26, "none"},
		{"M001C", "Duplicate key violation: Index 'k_1'", 11000, "E11000 duplicate key error collection: db.c index: k_1 dup key: { } (Duplicate key violation: Index 'k_1')"},
		{"M0000", "Unable to create the specified collection", 112, "Unable to create the specified collection"},
		{"M0ZZZ", "odd", 2, "odd [M0ZZZ]"},
		{"XX000", "tuple concurrently updated", 112, "tuple concurrently updated"},
		{"XX000", "odd", 1, "odd [SQLSTATE XX000]"},
	} {
		if code, message := docdb.FromState(pack(tc.state), tc.message); code != tc.code || message != tc.want {
			t.Errorf("%s %s: got %d %q", tc.state, tc.message, code, message)
		}
	}
}
