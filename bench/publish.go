package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// publish merges rows into a folder's benchmarks.json, and draws the page and its charts from all that
// are in it then.
func publish(folder string, fresh []row) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file := filepath.Join(folder, "benchmarks.json")
	old, err := readJSON(file)
	if err != nil {
		return err
	}
	rows := merge(old, fresh)
	if err := writeJSON(file, rows); err != nil {
		return err
	}
	charts, err := drawAll(folder, rows)
	if err != nil {
		return err
	}
	return writePage(filepath.Join(folder, "benchmarks.md"), rows, charts)
}

// readJSON returns no rows if there is no file.
func readJSON(file string) (rows []row, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rows, json.Unmarshal(text, &rows)
}

func writeJSON(file string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
