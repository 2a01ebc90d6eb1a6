package open

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// An address is a URL in its parts, as they were written: package net/url knows no list of hosts, and
// its errors show what could not be parsed, which may be a password.
type address struct {
	scheme string
	user   string // and password; with the @, if there is one
	hosts  string
	path   string // with its slash
	query  []pair // the driver's
	own    []pair // Firefly's
}

// A pair is a parameter as it was written, and its name and value.
type pair struct{ text, name, value string }

var (
	errControl  = errors.New("there is a control character in the URL, a line break at its end perhaps: take it out")
	errEncoding = errors.New(`a "%" is not followed by two hexadecimal digits: write a "%" itself as %25`)
	errReserved = errors.New(`there is an unexpected "@" or "#": percent-encode the special characters of users, ` +
		`passwords, paths and parameters ("/" is %2F, "?" %3F, "#" %23, "@" %40)`)
	errValue = errors.New(`a parameter has no value: write name=value, and a "&" in a value as %26`)
	errPort  = errors.New("a port is no number from 1 to 65535: write user:password@host:port, and an IPv6 address in brackets")
)

// parse takes what follows the scheme apart. An @ where it does not belong shows that a part of a
// password was taken for a host, a path or a parameter, so such a URL goes no further.
func parse(scheme, rest string) (*address, error) {
	if strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errControl
	}
	a := &address{scheme: scheme}
	rest, query, _ := strings.Cut(rest, "?")
	if scheme == fileScheme {
		a.path = rest
	} else {
		slash := strings.IndexByte(rest+"/", '/')
		a.hosts, a.path = rest[:slash], rest[slash:]
		if at := strings.IndexByte(a.hosts, '@'); at >= 0 {
			a.user, a.hosts = a.hosts[:at+1], a.hosts[at+1:]
		}
	}
	if strings.Contains(rest+query, "#") || strings.Contains(a.hosts+a.path+query, "@") {
		return nil, errReserved
	}
	for _, part := range []string{a.user, a.hosts, a.path} {
		if _, err := url.PathUnescape(part); err != nil {
			return nil, errEncoding
		}
	}
	if !goodPorts(a.hosts) {
		return nil, errPort
	}
	return a, a.parameters(query)
}

// parameters keeps Firefly's parameters apart from the driver's.
func (a *address) parameters(query string) error {
	for text := range strings.SplitSeq(query, "&") {
		if text == "" {
			continue
		}
		name, value, valued := strings.Cut(text, "=")
		if !valued {
			return errValue
		}
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return errEncoding
		}
		if p := (pair{text, name, value}); isOwn(name) {
			a.own = append(a.own, p)
		} else {
			a.query = append(a.query, p)
		}
	}
	return nil
}

func goodPorts(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		if end := strings.LastIndexByte(host, ']'); strings.HasPrefix(host, "[") && end > 0 {
			host = host[end+1:]
		}
		_, port, found := strings.Cut(host, ":")
		if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0) {
			return false
		}
	}
	return true
}

// as returns the URL for a driver, which knows it by another scheme perhaps.
func (a *address) as(scheme string) string {
	texts := make([]string, len(a.query))
	for i, p := range a.query {
		texts[i] = p.text
	}
	return scheme + "://" + a.user + a.hosts + "/" + strings.TrimPrefix(a.path, "/") + join("?", texts)
}

func join(before string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return before + strings.Join(texts, "&")
}
