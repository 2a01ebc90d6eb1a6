package open

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// mask stands for a secret in the URL whose faults a driver explains.
const mask = "xxxxx"

// secret finds the parameters whose value is a secret, or may hold one.
var secret = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|authmechanismproperties`)

var errSecret = errors.New("the user, the password, another secret in the URL, or a parameter behind that, is malformed: " +
	`percent-encode special characters ("/" is %2F, ":" %3A, "?" %3F, "#" %23, "@" %40, "&" %26)`)

// checked is a driver's look at the URL. Where it finds a fault, the text is what it says of the same
// URL with its secrets masked: so whatever it quotes, it has never seen them.
func checked[T any](a *address, look func(a *address) (T, error)) (T, error) {
	parsed, err := look(a)
	if err == nil {
		return parsed, nil
	}
	var none T
	if _, err = look(a.masked()); err == nil {
		return none, errSecret
	}
	return none, errors.New(brief(err.Error()))
}

// brief makes a line of a driver's text, without the URL that pgx begins with and the names of the
// packages.
func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if strings.HasPrefix(text, "cannot parse `") {
		if end := strings.LastIndex(text, "`: "); end >= 0 {
			text = text[end+len("`: "):]
		}
	}
	for _, name := range []string{"redis: ", "error parsing uri: ", "error validating uri: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// masked returns the address without its secrets, and without the parameters behind one: they may be
// the rest of a secret that holds an &.
func (a *address) masked() *address {
	m := *a
	if name, _, has := strings.Cut(strings.TrimSuffix(a.user, "@"), ":"); has {
		m.user = mask + ":" + mask + "@"
	} else if name != "" {
		m.user = mask + "@"
	}
	m.query = nil
	for _, p := range a.query {
		if secret.MatchString(p.name) {
			m.query = append(m.query, pair{text: url.QueryEscape(p.name) + "=" + mask})
			break
		}
		m.query = append(m.query, p)
	}
	return &m
}
