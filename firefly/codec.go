package firefly

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// A Codec turns arguments and results into bytes and back. Its name is stored with each task,
// so that a worker decodes what another program encoded; the name's meaning must never change.
// A codec must not be able to make values of types that the bytes choose. It is called
// concurrently.
type Codec interface {
	Name() string
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec: encoding/json, under the name "json".
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// Base64 stores what c encodes as Base64 text (RFC 4648, section 4), under the name of c with
// "+base64" added: for binary codecs where people look at the database.
func Base64(c Codec) Codec { return base64Codec{c} }

type base64Codec struct{ inner Codec }

func (c base64Codec) Name() string { return c.inner.Name() + "+base64" }

func (c base64Codec) Marshal(v any) ([]byte, error) {
	b, err := c.inner.Marshal(v)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

func (c base64Codec) Unmarshal(data []byte, v any) error {
	b, err := base64.StdEncoding.AppendDecode(nil, data)
	if err != nil {
		return err
	}
	return c.inner.Unmarshal(b, v)
}

// codecs finds a codec by the name that is stored with a task.
type codecs map[string]Codec

// newCodecs knows JSON and its Base64 form, and those given, of which the later win.
func newCodecs(more ...Codec) codecs {
	all := codecs{}
	for _, c := range append([]Codec{JSON, Base64(JSON)}, more...) {
		if c != nil {
			all[c.Name()] = c
		}
	}
	return all
}

func (c codecs) named(encoding string) (Codec, error) {
	codec, ok := c[encoding]
	if !ok {
		return nil, fmt.Errorf("no codec for encoding %q: add it to Codecs in the configuration", encoding)
	}
	return codec, nil
}

// encode stores None as no bytes at all.
func encode(c Codec, v any) ([]byte, error) {
	if _, none := v.(None); none {
		return nil, nil
	}
	return c.Marshal(v)
}

func decode(c Codec, data []byte, v any) error {
	if _, none := v.(*None); none {
		return nil
	}
	return c.Unmarshal(data, v)
}
