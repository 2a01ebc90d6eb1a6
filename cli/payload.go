package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const longestPayload = 64 << 10 // bytes that people are shown

// payloadText returns params or a result for people: JSON indented, other text as it is, the rest as
// Base64.
func payloadText(encoding string, b []byte) string {
	var indented bytes.Buffer
	text := string(b)
	switch {
	case !utf8.Valid(b):
		text = base64.StdEncoding.EncodeToString(b)
	case encoding == "json" && json.Indent(&indented, b, "", "  ") == nil:
		text = escapeControls(indented.String())
	}
	if len(text) <= longestPayload {
		return text
	}
	return strings.ToValidUTF8(text[:longestPayload], "") + fmt.Sprintf("\n… of %s bytes: -o json prints all", grouped(len(b)))
}
