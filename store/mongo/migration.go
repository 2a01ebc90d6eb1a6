package mongo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/store"
)

// Migration implements [store.MigrationReporter]. Its Script is for mongosh, in the store's database.
// Indexes are known by their names. It needs the rights of the role readWrite, on the database.
func (s *Store) Migration(ctx context.Context) (m store.Migration, err error) {
	if err := ended(ctx); err != nil {
		return m, err
	}
	if s.beside.Closed() {
		return m, store.ErrClosed
	}
	m.Want = schemaVersion
	if m.Have, err = s.version(ctx); err == nil {
		if m.TooNew = m.Have > schemaVersion; m.TooNew {
			return m, nil
		}
		err = s.missing(alone(ctx), &m)
	}
	if err != nil {
		return store.Migration{}, fmt.Errorf("mongo: migration of database %s, prefix %s: %w", s.db.Name(), s.prefix, s.reading(err))
	}
	return m, nil
}

// missing finds out which of the things that migrate makes are not there.
func (s *Store) missing(ctx context.Context, m *store.Migration) error {
	var script strings.Builder
	pending := func(what, statement string, args ...any) {
		m.Pending = append(m.Pending, what)
		fmt.Fprintf(&script, statement+";\n", args...)
	}
	there, err := s.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, p := range s.parts() {
		name := p.collection.Name()
		exists := slices.Contains(there, name)
		if !exists {
			pending("collection "+name, "db.createCollection(%q)", name)
		}
		var indexes []string
		if exists && len(p.indexes) > 0 {
			if indexes, err = indexNames(ctx, p.collection); err != nil {
				return err
			}
		}
		for _, index := range p.indexes {
			if o := optionsOf(index); !slices.Contains(indexes, *o.Name) {
				pending("index "+*o.Name+" of "+name, "db.getCollection(%q).createIndex(%s, %s)",
					name, shell(index.Keys), shell(described(o)))
			}
		}
	}
	for _, d := range documents() {
		n, err := s.meta.CountDocuments(ctx, bson.M{"_id": d[0].Value})
		if err != nil {
			return err
		}
		if n == 0 {
			pending(fmt.Sprintf("document %s of %s", d[0].Value, s.meta.Name()), "db.getCollection(%q).insertOne(%s)",
				s.meta.Name(), shell(d))
		}
	}
	if m.Have < schemaVersion {
		pending(fmt.Sprintf("version %d in %s", schemaVersion, s.meta.Name()),
			"db.getCollection(%q).updateOne({\"_id\": \"schema\"}, {\"$max\": {\"version\": %d}}, {\"upsert\": true})",
			s.meta.Name(), schemaVersion)
	}
	m.Script = script.String()
	return nil
}

func indexNames(ctx context.Context, c *mongo.Collection) (names []string, err error) {
	all, err := c.Indexes().ListSpecifications(ctx)
	for i := range all {
		names = append(names, all[i].Name)
	}
	return names, err
}

func optionsOf(index mongo.IndexModel) *options.IndexOptions {
	o := &options.IndexOptions{}
	for _, set := range index.Options.List() {
		_ = set(o) // they are this package's own
	}
	return o
}

// described is an index's options as the shell has them.
func described(o *options.IndexOptions) bson.D {
	d := bson.D{{Key: "name", Value: *o.Name}}
	if o.PartialFilterExpression != nil {
		d = append(d, bson.E{Key: "partialFilterExpression", Value: o.PartialFilterExpression})
	}
	if o.Unique != nil {
		d = append(d, bson.E{Key: "unique", Value: *o.Unique})
	}
	if o.Sparse != nil {
		d = append(d, bson.E{Key: "sparse", Value: *o.Sparse})
	}
	return d
}

// shell writes a document for mongosh. What is a long here is a plain number there, which the first
// increment makes a long.
func shell(document any) string {
	text, _ := bson.MarshalExtJSON(document, false, false) // they are this package's own
	return string(text)
}
