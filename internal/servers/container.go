package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"
)

// postgresContainer starts a server in a container and returns the URL of a superuser. The
// container ends with this process: the library sees to that.
func postgresContainer() (string, error) {
	const port = "5432/tcp"
	endpoint, err := startContainer("postgres:18", port,
		// The image first starts a server that sets it up, and is then not reached from outside.
		wait.ForAll(
			wait.ForLog("database system is ready to accept connections").WithOccurrence(2),
			wait.ForListeningPort(port)),
		testcontainers.WithEnv(map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust"}),
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "full_page_writes=off"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", endpoint), nil
}

// redisContainer starts a server in a container and returns its URL.
func redisContainer(image string) (string, error) {
	const port = "6379/tcp"
	endpoint, err := startContainer(image, port,
		wait.ForAll(wait.ForLog("Ready to accept connections"), wait.ForListeningPort(port)),
		testcontainers.WithCmdArgs("--save", "", "--appendonly", "no"))
	if err != nil {
		return "", err
	}
	return "redis://" + endpoint + "/0", nil
}

// mongoContainer starts a server in a container, a replica set of one member or a stand-alone one,
// and returns its URL.
func mongoContainer(standAlone bool) (string, error) {
	const port = "27017/tcp"
	var options []testcontainers.ContainerCustomizer
	if !standAlone {
		options = append(options,
			testcontainers.WithCmd("mongod", "--replSet", "rs0", "--bind_ip_all"),
			testcontainers.WithAdditionalLifecycleHooks(testcontainers.ContainerLifecycleHooks{
				PostReadies: []testcontainers.ContainerHook{initiateReplicaSet},
			}))
	}
	endpoint, err := startContainer("mongo:8", port,
		wait.ForAll(wait.ForLog("Waiting for connections"), wait.ForListeningPort(port)), options...)
	if err != nil {
		return "", err
	}
	return "mongodb://" + endpoint + "/?directConnection=true", nil
}

// initiateReplicaSet makes a container's server the only member, and the primary.
func initiateReplicaSet(ctx context.Context, c testcontainers.Container) error {
	const script = `try { rs.status() } catch { rs.initiate({_id: "rs0", members: [{_id: 0, host: "127.0.0.1:27017"}]}) }
		while (!db.hello().isWritablePrimary) sleep(50)`
	status, out, err := c.Exec(ctx, []string{"mongosh", "--quiet", "--eval", script})
	if err == nil && status != 0 {
		text, _ := io.ReadAll(out)
		err = fmt.Errorf("rs.initiate: exit status %d: %s", status, text)
	}
	return err
}

// startContainer starts a container and returns the host and port that one of its ports is
// reached by. Where Docker does not answer there is none.
func startContainer(image, port string, ready wait.Strategy, options ...testcontainers.ContainerCustomizer) (string, error) {
	const download = 5 * time.Minute
	tclog.SetDefault(tclog.NewNoopLogger())
	if !dockerAnswers() {
		return "", absentError("Docker does not answer")
	}
	ctx, cancel := context.WithTimeout(context.Background(), download+patience)
	defer cancel()
	options = append(options, testcontainers.WithExposedPorts(port),
		testcontainers.WithWaitStrategyAndDeadline(patience, ready))
	c, err := testcontainers.Run(ctx, image, options...)
	if err != nil {
		return "", errors.Join(fmt.Errorf("container %s: %w", image, err), testcontainers.TerminateContainer(c))
	}
	return c.PortEndpoint(ctx, port, "")
}

// dockerAnswers reports whether there is a Docker to ask for containers.
func dockerAnswers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), quickly)
	defer cancel()
	answer := make(chan error, 1) // the library would wait much longer for a host that is not there
	go func() {
		docker, err := testcontainers.NewDockerProvider()
		if err == nil {
			err = docker.Health(ctx)
		}
		answer <- err
	}()
	select {
	case err := <-answer:
		return err == nil
	case <-ctx.Done():
		return false
	}
}
