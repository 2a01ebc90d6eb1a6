package docdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Kinds of messages.
const (
	opReply = 1
	opQuery = 2004 // before a client knows what the server understands, it says hello with this one
	opMsg   = 2013
)

const (
	maxDocument = 16 << 20
	maxMessage  = 48_000_000
	headerSize  = 16
)

// Flags of opMsg.
const (
	checksumPresent = 1 << 0
	moreToCome      = 1 << 1 // the client wants no reply
)

var errMalformed = errors.New("malformed message")

// A message is a command as it comes over the wire.
type message struct {
	id        uint32
	legacy    bool // opQuery, answered by opReply
	silent    bool // no reply is wanted
	database  string
	body      bson.Raw
	documents []byte // those that are not in the body, one after the other
}

// readMessage reads the next message.
func readMessage(r io.Reader) (*message, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := int(binary.LittleEndian.Uint32(header[:]))
	if size < headerSize || size > maxMessage {
		return nil, fmt.Errorf("%w of %d bytes", errMalformed, size)
	}
	rest := make([]byte, size-headerSize)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	m := &message{id: binary.LittleEndian.Uint32(header[4:])}
	var err error
	switch kind := binary.LittleEndian.Uint32(header[12:]); kind {
	case opQuery:
		err = m.parseQuery(rest)
	case opMsg:
		err = m.parseMsg(rest)
	default:
		err = fmt.Errorf("%w of kind %d", errMalformed, kind)
	}
	if err == nil && len(m.body) == 0 {
		err = errMalformed
	}
	return m, err
}

// parseQuery parses flags, "database.$cmd", two counts and the command.
func (m *message) parseQuery(b []byte) error {
	const flags, counts = 4, 8
	m.legacy = true
	if len(b) < flags {
		return errMalformed
	}
	name, b, ok := bytes.Cut(b[flags:], []byte{0})
	if !ok || len(b) < counts {
		return errMalformed
	}
	m.database = string(bytes.TrimSuffix(name, []byte(".$cmd")))
	var err error
	m.body, _, err = cutDocument(b[counts:])
	return err
}

// parseMsg parses flags and sections: one with the command, and maybe one with a list of documents
// that belongs to it.
func (m *message) parseMsg(b []byte) error {
	const flagsSize, checksumSize = 4, 4
	if len(b) < flagsSize {
		return errMalformed
	}
	flags := binary.LittleEndian.Uint32(b)
	b = b[flagsSize:]
	m.silent = flags&moreToCome != 0
	if flags&checksumPresent != 0 {
		b = b[:max(0, len(b)-checksumSize)]
	}
	for len(b) > 0 {
		kind := b[0]
		b = b[1:]
		var err error
		switch kind {
		case 0:
			m.body, b, err = cutDocument(b)
		case 1:
			m.documents, b, err = cutSequence(b)
		default:
			err = errMalformed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cutDocument returns the document that b starts with, and the rest.
func cutDocument(b []byte) (bson.Raw, []byte, error) {
	const least = 5
	if len(b) < least {
		return nil, nil, errMalformed
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size < least || size > len(b) {
		return nil, nil, errMalformed
	}
	doc := bson.Raw(b[:size])
	return doc, b[size:], doc.Validate()
}

// cutSequence returns the documents of the section that b starts with, and the rest.
func cutSequence(b []byte) (documents, rest []byte, err error) {
	const sizeSize = 4
	if len(b) < sizeSize {
		return nil, nil, errMalformed
	}
	size := int(binary.LittleEndian.Uint32(b))
	if size < sizeSize || size > len(b) {
		return nil, nil, errMalformed
	}
	_, documents, ok := bytes.Cut(b[sizeSize:size], []byte{0}) // the name is known from the command
	if !ok {
		return nil, nil, errMalformed
	}
	for rest := documents; len(rest) > 0; {
		if _, rest, err = cutDocument(rest); err != nil {
			return nil, nil, err
		}
	}
	return documents, b[size:], nil
}

// appendReply appends the message that answers m.
func (m *message) appendReply(b []byte, doc bson.Raw) []byte {
	kind, intro := uint32(opMsg), []byte{0, 0, 0, 0, 0} // flags; a section with one document
	if m.legacy {
		kind, intro = opReply, make([]byte, 20)
		intro[16] = 1 // after flags, a cursor and a start: one document
	}
	size := uint32(headerSize + len(intro) + len(doc)) //nolint:gosec // documents are not that long
	b = binary.LittleEndian.AppendUint32(b, size)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, m.id)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = append(b, intro...)
	return append(b, doc...)
}
