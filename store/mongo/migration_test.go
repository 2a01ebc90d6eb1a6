package mongo_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

func migration(t *testing.T, s *mongo.Store) store.Migration {
	t.Helper()
	m, err := s.Migration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var call = regexp.MustCompile(`^db\.(?:getCollection\("(\w+)"\)\.)?(\w+)\((.*)\);$`)

// mongosh does what the shell would do with a script.
func mongosh(t *testing.T, db *driver.Database, script string) {
	t.Helper()
	for line := range strings.Lines(script) {
		parts := call.FindStringSubmatch(strings.TrimSpace(line))
		if parts == nil {
			t.Fatalf("no statement: %s", line)
		}
		var args struct{ List bson.A }
		if err := bson.UnmarshalExtJSON([]byte(`{"list": [`+parts[3]+`]}`), false, &args); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		c := db.Collection(parts[1])
		var err error
		switch parts[2] {
		case "createCollection":
			name, _ := args.List[0].(string)
			err = db.CreateCollection(t.Context(), name)
		case "createIndex":
			index, _ := args.List[1].(bson.D)
			index = append(bson.D{{Key: "key", Value: args.List[0]}}, index...)
			err = db.RunCommand(t.Context(), bson.D{{Key: "createIndexes", Value: parts[1]}, {Key: "indexes", Value: bson.A{index}}}).Err()
		case "insertOne":
			_, err = c.InsertOne(t.Context(), args.List[0])
		case "updateOne":
			_, err = c.UpdateOne(t.Context(), args.List[0], args.List[1], options.UpdateOne().SetUpsert(true))
		default:
			t.Fatalf("unknown: %s", line)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// described is what the database's collections have.
func described(t *testing.T, db *driver.Database) (all []string) {
	t.Helper()
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		all = append(all, name)
		indexes, err := db.Collection(name).Indexes().List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var found []bson.M
		if err := indexes.All(t.Context(), &found); err != nil {
			t.Fatal(err)
		}
		for _, index := range found {
			text, err := bson.MarshalExtJSON(bson.D{
				{Key: "n", Value: index["name"]}, {Key: "k", Value: index["key"]}, {Key: "p", Value: index["partialFilterExpression"]},
				{Key: "u", Value: index["unique"]}, {Key: "s", Value: index["sparse"]},
			}, false, false)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, name+" "+string(text))
		}
	}
	slices.Sort(all)
	return all
}

// Looking makes nothing. What the script makes is what Migrate does, and works.
func TestMigrationFromNothing(t *testing.T) {
	server := servers.MongoDB(t)
	db := connect(t, server.URL(), server.Database(t))
	s, err := mongo.New(db, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := migration(t, s)
	if m.Have != 0 || m.Want == 0 || m.TooNew || len(m.Pending) != strings.Count(m.Script, "\n") || len(m.Pending) < 10 {
		t.Fatalf("%+v", m)
	}
	if there := described(t, db); len(there) > 0 {
		t.Fatalf("the look made %v", there)
	}
	mongosh(t, db, m.Script)
	if m := migration(t, s); m.Have != m.Want || len(m.Pending) > 0 || m.Script != "" {
		t.Errorf("after the script: %+v", m)
	}
	_, migrated := fresh(t)
	if got, want := described(t, db), described(t, migrated); !slices.Equal(got, want) {
		t.Errorf("the script makes\n%s\nMigrate makes\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	insert(t, s, 3)
	claim(t, s, 3)
	if err := s.Pause(t.Context(), []string{"q"}); err != nil {
		t.Error(err)
	}
}

func TestMigrationNamesWhatIsMissing(t *testing.T) {
	s, db := fresh(t)
	if err := db.Collection("firefly_task").Indexes().DropOne(t.Context(), "finished"); err != nil {
		t.Fatal(err)
	}
	if err := db.Collection("firefly_lease").Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Collection("firefly_meta").DeleteOne(t.Context(), bson.M{"_id": "paused"}); err != nil {
		t.Fatal(err)
	}
	m := migration(t, s)
	want := []string{
		"index finished of firefly_task", "collection firefly_lease", "index ends of firefly_lease", "index spent of firefly_lease",
		"document paused of firefly_meta",
	}
	if m.Have != m.Want || !slices.Equal(m.Pending, want) {
		t.Errorf("%+v", m)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := migration(t, s); len(m.Pending) > 0 {
		t.Errorf("after Migrate: %+v", m)
	}

	if _, err := db.Collection("firefly_meta").UpdateByID(t.Context(), "schema", bson.M{"$set": bson.M{"version": 99}}); err != nil {
		t.Fatal(err)
	}
	if m := migration(t, s); m.Have != 99 || !m.TooNew || len(m.Pending) > 0 || m.Script != "" {
		t.Errorf("newer: %+v", m)
	}
}

func TestMigrationWithoutAServer(t *testing.T) {
	s, err := mongo.New(connect(t, "mongodb://nobody:sesame@127.0.0.1:1/?serverSelectionTimeoutMS=200", "tasks"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Migration(t.Context())
	if err == nil || !store.IsDefinite(err) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("error %v", err)
	}
}
