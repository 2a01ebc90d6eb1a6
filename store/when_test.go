package store_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

func TestWhenValidate(t *testing.T) {
	tooLate := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		when store.When
		want []string // parts of the error; none is no error
	}{
		{"zero", store.When{}, nil},
		{"ETA", store.When{ETA: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, nil},
		{"past ETA", store.When{ETA: time.Unix(0, 0)}, nil},
		{"delay", store.When{Delay: math.MaxInt64}, nil},
		{"negative delay", store.When{Delay: -1}, []string{"delay -1ns is negative"}},
		{"both", store.When{ETA: time.Unix(0, 0), Delay: 1}, []string{"both an ETA and a delay"}},
		{"too late", store.When{ETA: tooLate}, []string{"year 10000"}},
		{"too early", store.When{ETA: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{"year 0"}},
		{"all of them", store.When{ETA: tooLate, Delay: -1}, []string{"due time: ", "delay", "; both an ETA and a delay", "year 10000"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.when.Validate()
			if errors.Is(err, store.ErrInvalid) != (len(tc.want) > 0) || err != nil && !store.IsDefinite(err) {
				t.Fatalf("error %v", err)
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q lacks %q", err, part)
				}
			}
		})
	}
}
