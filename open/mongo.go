package open

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

const (
	defaultDatabase = "firefly"
	forbidden       = "/\\. \"$\x00" // in the name of a database
	patience        = 10 * time.Second
)

func mongoStore(a *address, p *parameters, c *config) (*opener, error) {
	name, err := databaseOf(a)
	if err != nil {
		return nil, err
	}
	dial, err := checked(a, clientOptions)
	if err != nil {
		return nil, err
	}
	return &opener{
		open: func(context.Context) (store.Full, func() error, error) { return openMongo(dial, name, p, c) },
		drop: func(ctx context.Context) error { return dropCollections(ctx, dial, name, p.namespace) },
	}, nil
}

// mongoSRVStore leaves more to the opener: the driver asks the DNS before it looks at the rest.
func mongoSRVStore(a *address, p *parameters, c *config) (*opener, error) {
	name, err := databaseOf(a)
	if err != nil {
		return nil, err
	}
	if a.hosts == "" || strings.ContainsAny(a.hosts, ",:") {
		return nil, errors.New("name one host, without a port")
	}
	return &opener{
		open: func(context.Context) (store.Full, func() error, error) {
			dial, err := checked(a, clientOptions)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", a.scheme, err)
			}
			return openMongo(dial, name, p, c)
		},
		drop: func(ctx context.Context) error {
			dial, err := checked(a, clientOptions)
			if err != nil {
				return err
			}
			return dropCollections(ctx, dial, name, p.namespace)
		},
	}, nil
}

func clientOptions(a *address) (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(a.as(a.scheme))
	return o, o.Validate()
}

func databaseOf(a *address) (string, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(a.path, "/"))
	switch {
	case err != nil:
		return "", errEncoding
	case strings.ContainsAny(name, forbidden):
		return "", errors.New(`the path names no database: write mongodb://host/database, without any of / \ . " $ or a space in it`)
	case name == "":
		return defaultDatabase, nil
	}
	return name, nil
}

func openMongo(dial *options.ClientOptions, name string, p *parameters, c *config) (store.Full, func() error, error) {
	opts := []mongo.Option{mongo.Logger(c.logger), mongo.ClockOffset(c.offset)}
	if p.namespace != "" {
		opts = append(opts, mongo.Prefix(p.namespace))
	}
	if p.retention > 0 {
		opts = append(opts, mongo.Retention(p.retention))
	}
	if p.retentionFailed > 0 {
		opts = append(opts, mongo.RetentionFailed(p.retentionFailed))
	}
	client, err := driver.Connect(dial)
	if err != nil {
		return nil, nil, err
	}
	release := func() error { return disconnect(client) }
	s, err := mongo.New(client.Database(name), opts...)
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return s, release, nil
}

func disconnect(client *driver.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return client.Disconnect(ctx)
}

// dropCollections removes the collections of a prefix.
func dropCollections(ctx context.Context, dial *options.ClientOptions, database, prefix string) error {
	client, err := driver.Connect(dial)
	if err != nil {
		return err
	}
	db := client.Database(database)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		err = errors.New(brief(err.Error()))
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix+"_") {
			err = errors.Join(err, db.Collection(name).Drop(ctx))
		}
	}
	return errors.Join(err, disconnect(client))
}
