// Package repo holds only tests: of what the repository promises about itself.
package repo
