package open

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Firefly's parameters.
const (
	namespace       = "firefly_namespace"
	retention       = "firefly_retention"
	retentionFailed = "firefly_retention_failed"
	pooler          = "firefly_pooler"
	notify          = "firefly_notify"
	replicas        = "firefly_replicas"
	replicasWithin  = "firefly_replicas_within"
)

// What the stores of each kind know of Firefly's parameters.
var (
	forMemory   = []string{retention}
	forSQLite   = []string{namespace, retention}
	forMongo    = []string{namespace, retention, retentionFailed}
	forPostgres = []string{namespace, retention, retentionFailed, pooler, notify}
	forRedis    = []string{namespace, retention, retentionFailed, replicas, replicasWithin}
)

// Parameters are Firefly's own of a URL. What is zero was not given.
type parameters struct {
	namespace       string
	retention       time.Duration
	retentionFailed time.Duration
	pooler          bool
	notify          bool // true unless it was given
	replicas        int
	replicasWithin  time.Duration
}

const leastRetention = 10 * time.Minute // rule 1

var (
	goodNamespace = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`) // in all stores
	goodName      = regexp.MustCompile(`^firefly_[a-z_]{1,40}$`)

	errNamespace = errors.New("give 1 to 48 lower-case letters, digits and underscores, not beginning with a digit")
	errDuration  = errors.New("it is no duration: give 48h or 90m, say")
	errBool      = errors.New("give true or false")
)

// isOwn reports whether a parameter is Firefly's. Names in capitals are too, though none is known: a
// driver would pass over them.
func isOwn(name string) bool { return strings.HasPrefix(strings.ToLower(name), "firefly_") }

// readParameters reads those of a URL, and reports all that is wrong with them. It shows no values.
func readParameters(given []pair, s *scheme) (*parameters, []error) {
	p := &parameters{notify: true}
	setters := map[string]func(string) error{
		namespace:       p.setNamespace,
		retention:       duration(&p.retention, leastRetention),
		retentionFailed: duration(&p.retentionFailed, leastRetention),
		pooler:          boolean(&p.pooler),
		notify:          boolean(&p.notify),
		replicas:        p.setReplicas,
		replicasWithin:  duration(&p.replicasWithin, time.Millisecond),
	}
	var faults []error
	seen := map[string]bool{}
	for _, g := range given {
		set, known := setters[g.name]
		var err error
		switch {
		case !known && !goodName.MatchString(g.name):
			err = fmt.Errorf("there is an unknown parameter that begins with firefly_: use %s", strings.Join(s.parameters, ", "))
		case !known:
			err = fmt.Errorf("unknown parameter %s: use %s", g.name, strings.Join(s.parameters, ", "))
		case !slices.Contains(s.parameters, g.name):
			err = fmt.Errorf("%s is nothing that this store has: use %s", g.name, strings.Join(s.parameters, ", "))
		case seen[g.name]:
			err = fmt.Errorf("%s is given twice", g.name)
		default:
			if err = set(g.value); err != nil {
				err = fmt.Errorf("%s: %w", g.name, err)
			}
		}
		seen[g.name] = true
		if err != nil {
			faults = append(faults, err)
		}
	}
	if seen[replicas] != seen[replicasWithin] && slices.Contains(s.parameters, replicas) {
		faults = append(faults, errors.New("firefly_replicas and firefly_replicas_within need each other"))
	}
	return p, faults
}

func (p *parameters) setNamespace(value string) error {
	if !goodNamespace.MatchString(value) {
		return errNamespace
	}
	p.namespace = value
	return nil
}

func (p *parameters) setReplicas(value string) error {
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil || n == 0 {
		return errors.New("give a number from 1 to 255")
	}
	p.replicas = int(n)
	return nil
}

func duration(to *time.Duration, least time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return errDuration
		}
		if d < least {
			return fmt.Errorf("give %s at least", least)
		}
		*to = d
		return nil
	}
}

func boolean(to *bool) func(string) error {
	return func(value string) (err error) {
		if *to, err = strconv.ParseBool(value); err != nil {
			return errBool
		}
		return nil
	}
}
