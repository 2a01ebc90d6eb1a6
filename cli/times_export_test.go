package cli

// For the tests of package cli_test.
var (
	ParseDuration = parseDuration
	ParseTime     = parseTime
)
