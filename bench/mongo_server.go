package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

// serveMongo is the one argument of this program when it is the server.
const serveMongo = "serve-mongo"

// A mongoServer is the fixture in a process of its own: its gateway is no part of what a client uses.
type mongoServer struct {
	url       string
	process   *exec.Cmd
	questions io.WriteCloser
	answers   *bufio.Reader
}

func startMongo() (*mongoServer, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	m := &mongoServer{process: exec.Command(name, serveMongo)}
	m.process.Stderr = os.Stderr
	if m.questions, err = m.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := m.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.answers = bufio.NewReader(out)
	if err := m.process.Start(); err != nil {
		return nil, err
	}
	if m.url, err = m.answer(); err != nil {
		return nil, errors.Join(err, m.end())
	}
	return m, nil
}

func (m *mongoServer) answer() (string, error) {
	line, err := m.answers.ReadString('\n')
	if err != nil {
		err = fmt.Errorf("the server is gone: %w", err)
	}
	return strings.TrimSpace(line), err
}

// cpu is what the gateway and DocumentDB have used.
func (m *mongoServer) cpu() (time.Duration, error) {
	if _, err := fmt.Fprintln(m.questions, "cpu"); err != nil {
		return 0, err
	}
	line, err := m.answer()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(line, 10, 64)
	return time.Duration(n), err
}

func (m *mongoServer) end() error {
	return errors.Join(m.questions.Close(), m.process.Wait())
}

// beMongo is the server: it says where it is, and answers each line that it reads with the CPU time
// that it has used, until there are no more.
func beMongo() error {
	signal.Ignore(os.Interrupt) // it is the other process's to end this one
	o := &owner{}
	defer o.end()
	server := servers.NewMongoDB(o)
	fmt.Println(server.URL())
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		pids, err := server.Processes()
		if err != nil {
			return err
		}
		fmt.Println((ownCPU() + familyCPU(pids)).Nanoseconds())
	}
	return nil
}
