package docdb

import (
	"bytes"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ReadMessage returns the command and the documents of a message.
func ReadMessage(b []byte) (bson.Raw, []byte, error) {
	m, err := readMessage(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	return m.body, m.documents, nil
}

// FromState returns the code and the message of the error for a packed SQLSTATE.
func FromState(code int64, message string) (int32, string) {
	e := fromState(unpack(code), message, "db.c")
	return e.code, e.message
}
