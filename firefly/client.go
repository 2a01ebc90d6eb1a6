package firefly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// DefaultMaxPayload is the default cap on encoded arguments and results, in bytes.
const DefaultMaxPayload = 1 << 20

// ClientConfig configures a [Client]. Its zero value is ready for use.
type ClientConfig struct {
	// Defaults apply to every task, before the options of its declaration.
	Defaults []Option
	// Codec encodes arguments; nil is JSON. Codecs are further ones to read results with.
	Codec  Codec
	Codecs []Codec
	// MaxParams caps a task's encoded arguments, in bytes; zero is DefaultMaxPayload. No store
	// takes more than store.MaxPayload.
	MaxParams int
	// Middleware sees every batch of tasks on its way to the store; the first is outermost.
	Middleware []ClientMiddleware
	// Logger takes what goes wrong and is tried again; nil is slog.Default.
	Logger *slog.Logger
}

// A ScheduleFunc stores tasks, or stages them. It returns by position what became of each.
type ScheduleFunc func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error)

// ClientMiddleware wraps a ScheduleFunc, to add to the tasks' Meta, measure, or refuse. It may
// change the tasks, but neither their number nor their order.
type ClientMiddleware func(next ScheduleFunc) ScheduleFunc

// A Client schedules tasks on a store. It is safe for concurrent use and needs no closing: the
// store belongs to whoever opened it.
type Client struct {
	store  store.Store
	writer store.Writer // where In said; nil is the store itself
	config ClientConfig
	codecs codecs

	inserter *inserter
}

// NewClient returns a client of s. The error names every fault of the configuration.
func NewClient(s store.Store, cfg ClientConfig) (*Client, error) {
	var faults []error
	if s == nil {
		faults = append(faults, errors.New("the store is nil"))
	}
	if cfg.Codec == nil {
		cfg.Codec = JSON
	}
	if err := store.CheckName(cfg.Codec.Name()); err != nil {
		faults = append(faults, fmt.Errorf("codec name %w", err))
	}
	if cfg.MaxParams == 0 {
		cfg.MaxParams = DefaultMaxPayload
	}
	faults = append(faults, checkCap("MaxParams", cfg.MaxParams), checkSet("Middleware", cfg.Middleware))
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	defaults := defaultSettings()
	for _, o := range cfg.Defaults {
		o.schedule(&defaults)
	}
	sample := defaults.newTask("defaults", "json", nil)
	faults = append(faults, sample.Validate())
	if err := store.Invalid("client", faults...); err != nil {
		return nil, err
	}
	c := &Client{store: s, config: cfg, codecs: newCodecs(append(cfg.Codecs, cfg.Codec)...)}
	c.inserter = newInserter(c)
	return c, nil
}

func checkCap(what string, size int) error {
	if size < 0 || size > store.MaxPayload {
		return fmt.Errorf("%s of %d bytes is not between 0 and %d", what, size, store.MaxPayload)
	}
	return nil
}

// checkSet finds a nil function in a list.
func checkSet[F ~func(A) A, A any](what string, list []F) error {
	if slices.ContainsFunc(list, func(f F) bool { return f == nil }) {
		return fmt.Errorf("%s holds a nil function", what)
	}
	return nil
}

// Store returns the store that the client was made for.
func (c *Client) Store() store.Store { return c.store }

// In returns a client that writes through w, a transaction of the application's own: the tasks
// exist if and only if it commits. It never stages. Where w does not know a task's id before
// the commit, neither does the handle.
func (c *Client) In(w store.Writer) *Client {
	in := *c
	in.writer = w
	return &in
}

// AnyCall is a [Call] of whatever result.
type AnyCall interface {
	prepare(c *Client) (*entry, error)
}

// A Call is a task that is not scheduled yet, made by [Task.Call]. It stands for one task, no
// matter how often it is scheduled: after an error that leaves the outcome unknown, schedule it
// again, until the answer is nil or a [*store.BatchError]; that a repeat could not be made settles
// nothing. It must not be used concurrently.
type Call[R any] struct {
	spec    *spec
	args    any
	options []ScheduleOption
	client  *Client
	entry   *entry
}

// Handle returns a handle on the task; nil before it was scheduled.
func (c *Call[R]) Handle() *Handle[R] {
	if c.entry == nil || c.entry.is(entryNew) {
		return nil
	}
	return &Handle[R]{client: c.client, entry: c.entry}
}

func (c *Call[R]) prepare(client *Client) (*entry, error) {
	if c.entry != nil {
		return c.entry, nil
	}
	if c.spec.fault != nil {
		return nil, c.spec.fault
	}
	s := defaultSettings()
	for _, o := range client.config.Defaults {
		o.schedule(&s)
	}
	for _, o := range c.spec.options {
		o.declare(&s)
	}
	for _, o := range c.options {
		o.schedule(&s)
	}
	codec := client.config.Codec
	params, err := encode(codec, c.args)
	if err != nil {
		return nil, store.Definite(fmt.Errorf("encode params: %w", err))
	}
	if most := client.config.MaxParams; len(params) > most {
		return nil, fmt.Errorf("params of %d bytes are %w: the client's limit is %d bytes", len(params), store.ErrTooLarge, most)
	}
	task := s.newTask(c.spec.name, codec.Name(), params)
	if err := task.Validate(); err != nil {
		return nil, err
	}
	c.client, c.entry = client, &entry{task: task}
	return c.entry, nil
}

// Batches are cut at these sizes: of verdicts, and of the calls of Schedule that share an insert;
// and those of ScheduleMany, which are worth a call each.
const (
	batchTasks = 1000
	batchBytes = 4 << 20
	bulkTasks  = 10_000
	bulkBytes  = 16 << 20
)

// ScheduleMany schedules several tasks, of any kinds, in as few writes as it takes. A call that
// is at fault in itself stops all before anything is stored. What the store refuses is named
// by position and id in a [*store.BatchError], and all others are stored. After any other error
// some may be stored: schedule the same calls again. In a handler of a worker on the same store
// the tasks are staged: see [Task.Schedule].
func (c *Client) ScheduleMany(ctx context.Context, calls ...AnyCall) error {
	entries := make([]*entry, len(calls))
	for i, call := range calls {
		e, err := call.prepare(c)
		if err != nil {
			return fmt.Errorf("firefly: schedule call %d of %d: %w", i+1, len(calls), err)
		}
		entries[i] = e
	}
	refused := store.BatchError{Op: "insert"}
	for first := 0; first < len(entries); {
		batch := entries[first:][:batchLen(entries[first:])]
		err := c.schedule(ctx, batch)
		if one := (*store.BatchError)(nil); errors.As(err, &one) {
			for _, r := range one.Refused {
				refused.Refuse(first+r.Index, r.ID, r.Err)
			}
		} else if err != nil {
			return fmt.Errorf("firefly: schedule %s: %w", describe(batch), err)
		}
		first += len(batch)
	}
	if err := refused.OrNil(); err != nil {
		return fmt.Errorf("firefly: schedule %s: %w", describe(entries), err)
	}
	return nil
}

func describe(entries []*entry) string {
	if len(entries) == 1 {
		return entries[0].task.Name
	}
	return fmt.Sprintf("%d tasks", len(entries))
}

func batchLen(entries []*entry) int {
	bytes := 0
	for i, e := range entries {
		bytes += len(e.task.Params)
		if i > 0 && (i == bulkTasks || bytes > bulkBytes) {
			return i
		}
	}
	return len(entries)
}

func (c *Client) schedule(ctx context.Context, entries []*entry) error {
	insert := ScheduleFunc(func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
		if len(tasks) != len(entries) {
			return nil, store.Definite(errors.New("a middleware changed the number of tasks"))
		}
		return c.insert(ctx, entries, tasks)
	})
	for _, m := range slices.Backward(c.config.Middleware) {
		insert = m(insert)
	}
	tasks := make([]store.NewTask, len(entries))
	for i, e := range entries {
		if err := e.land(ctx); err != nil {
			return &UnknownOutcomeError{IDs: idsOf(entries), Err: err}
		}
		tasks[i] = e.newTask()
	}
	_, err := insert(ctx, tasks)
	return err
}
