package servers

import (
	"os"
	"strings"
)

// find returns the server that an environment variable names or, where it is not set, what the
// first of some other ways leads to. A server that is there and fails is no reason to try another.
func find[Server any](env string, named func(url string) (*Server, error), ways ...func() (*Server, error)) (*Server, error) {
	if url := os.Getenv(env); url != "" {
		return named(url)
	}
	reasons := []string{env + " is not set"}
	for _, way := range ways {
		found, err := way()
		if err == nil {
			return found, nil
		}
		if !isAbsent(err) {
			return nil, err
		}
		reasons = append(reasons, err.Error())
	}
	return nil, absentError(strings.Join(reasons, ", "))
}
