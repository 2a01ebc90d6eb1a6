package firefly

import (
	"context"
	"fmt"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// None is the argument or the result of a task that has none. Nothing is stored for it.
type None = struct{}

// A Task is a declared task type: its name, and the types of its argument and result. It is a
// small value, shared by the code that schedules and the code that runs it, and safe for
// concurrent use. Make one with [Declare] or [Define].
type Task[A, R any] struct{ spec *spec }

// A spec is a declaration without its types.
type spec struct {
	name     string
	options  []DeclareOption
	declared settings // the options applied to nothing: for those that only a declaration has
	fault    error    // reported where the declaration is used
}

// Declare names a task whose argument is an A and whose result is an R. The name is stored with
// every task and is how a worker finds the handler: it stays when functions move. Names may
// hold letters, digits and . _ - : / @ + #, up to 200 characters.
//
// Declare is for package-level variables and never fails: faults in name and options are
// reported by Schedule and [NewWorker], wherever the task is first used.
func Declare[A, R any](name string, opts ...DeclareOption) Task[A, R] {
	s := &spec{name: name, options: slices.Clone(opts), declared: defaultSettings()}
	for _, o := range opts {
		o.declare(&s.declared)
	}
	s.fault = s.check()
	return Task[A, R]{s}
}

func (s *spec) check() error {
	sample := s.declared.newTask(s.name, "json", nil)
	faults := []error{sample.Validate()}
	for _, alias := range s.declared.aliases {
		if err := store.CheckName(alias); err != nil {
			faults = append(faults, fmt.Errorf("alias %w", err))
		}
	}
	if s.declared.maxCrashes < 0 {
		faults = append(faults, fmt.Errorf("max crashes %d is negative", s.declared.maxCrashes))
	}
	return store.Invalid("declaration", faults...)
}

// Name returns the declared name.
func (t Task[A, R]) Name() string { return t.spec.name }

// Handle pairs the task with the function that runs it, for [NewWorker].
//
// fn runs in a goroutine of its own and may block. Its context ends when the task times out, is
// cancelled, loses its lease, or the worker has waited long enough for it at shutdown;
// [context.Cause] says which. It may run more than once for one task: see the package's
// delivery promise. The value that it returns is stored and read back through [Handle].
func (t Task[A, R]) Handle(fn func(ctx context.Context, args A) (R, error)) Handler {
	r := &registration{spec: t.spec}
	if fn != nil {
		r.call = typedCall(fn)
	}
	return r
}

// NoResult makes a handler of a function that returns only an error.
func NoResult[A any](fn func(ctx context.Context, args A) error) func(context.Context, A) (None, error) {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, args A) (None, error) { return None{}, fn(ctx, args) }
}

// A Defined is a task together with its handler: it is a [Task] to schedule by, and a [Handler]
// to give to [NewWorker].
type Defined[A, R any] struct {
	Task[A, R]
	Handler
}

// Define is [Declare] and [Task.Handle] in one, for programs that schedule and run a task in
// the same package.
func Define[A, R any](name string, fn func(ctx context.Context, args A) (R, error), opts ...DeclareOption) Defined[A, R] {
	t := Declare[A, R](name, opts...)
	return Defined[A, R]{t, t.Handle(fn)}
}

// A Handler is what a worker runs tasks of one name with, made by [Task.Handle] or [Define].
type Handler interface{ registration() *registration }

// A registration is a Handler without its types.
type registration struct {
	spec *spec
	call func(ctx context.Context, c Codec, params []byte) ([]byte, error)
}

func (r *registration) registration() *registration { return r }

// typedCall wraps fn in decoding and encoding. Bytes that do not decode never will, so both
// are permanent failures.
func typedCall[A, R any](fn func(context.Context, A) (R, error)) func(context.Context, Codec, []byte) ([]byte, error) {
	return func(ctx context.Context, c Codec, params []byte) ([]byte, error) {
		var args A
		if err := decode(c, params, &args); err != nil {
			return nil, Permanent(fmt.Errorf("decode params: %w", err))
		}
		result, err := fn(ctx, args)
		if err != nil {
			return nil, err
		}
		returned, err := encode(c, result)
		if err != nil {
			return nil, Permanent(fmt.Errorf("encode result: %w", err))
		}
		return returned, nil
	}
}

// Schedule stores a task that calls the handler with args, and returns a handle on it. When it
// returns nil the task is stored and will run. An error that matches [ErrUnknownOutcome] says
// that it may be; after any other error it is not.
//
// In a handler of a worker on the same store, the task is staged instead: it is stored if and
// only if the handler's task completes, in one step with it.
func (t Task[A, R]) Schedule(ctx context.Context, c *Client, args A, opts ...ScheduleOption) (*Handle[R], error) {
	call := t.Call(args, opts...)
	if err := c.ScheduleMany(ctx, call); err != nil {
		return nil, err
	}
	return call.Handle(), nil
}

// Call prepares a task for [Client.ScheduleMany].
func (t Task[A, R]) Call(args A, opts ...ScheduleOption) *Call[R] {
	return &Call[R]{spec: t.spec, args: args, options: opts}
}

// Find returns a handle on the task with that id, whether there is one or not: its methods
// find out.
func (t Task[A, R]) Find(c *Client, id int64) *Handle[R] {
	e := &entry{state: entryStored}
	e.inserted.ID = id
	return &Handle[R]{client: c, entry: e}
}
