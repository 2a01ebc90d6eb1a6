// Publish writes docs/proof.json and docs/proof.md from what the tests have added to a file: see package
// proof, and "make proof".
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fireflytasks/go-firefly/internal/proof"
)

func main() {
	docs := flag.String("docs", "docs", "the folder of proof.json and proof.md")
	began := flag.String("began", "", "when the tests began, in Unix seconds")
	remark := flag.String("remark", "", "what else is to be known of the run, in Markdown")
	flag.Parse()
	if err := publish(flag.Arg(0), *docs, *began, *remark); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

func publish(name, docs, began, remark string) error {
	seconds, err := strconv.ParseInt(began, 10, 64)
	if err != nil {
		return fmt.Errorf("-began: %w", err)
	}
	entries, err := read(name)
	if err != nil {
		return err
	}
	r := newReport(entries)
	r.Cell, r.Remark = os.Getenv("FIREFLY_CHAOS_FOR"), remark
	r.Made, r.Machine, r.Seconds = time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04"), machine(), time.Now().Unix()-seconds
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, r); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(docs, "proof.json"), append(text, '\n'), 0o644), //nolint:gosec // everybody may read it
		os.WriteFile(filepath.Join(docs, "proof.md"), page.Bytes(), 0o644))         //nolint:gosec // everybody may read it
}

func read(name string) (entries []proof.Entry, err error) {
	text, err := os.ReadFile(name) //nolint:gosec // its caller's choice
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var e proof.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
