package docdb

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// marshal encodes a document of this package's making.
func marshal(doc bson.D) bson.Raw {
	b, err := bson.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("docdb: %v", err))
	}
	return b
}

// ok returns a reply that says so.
func ok(fields ...bson.E) bson.Raw {
	return marshal(append(bson.D(fields), bson.E{Key: "ok", Value: 1.0}))
}

// fields returns the fields of a document that is valid.
func fields(doc bson.Raw) bson.D {
	elements, err := doc.Elements()
	if err != nil {
		panic(fmt.Sprintf("docdb: %v", err))
	}
	d := make(bson.D, len(elements))
	for i, e := range elements {
		d[i] = bson.E{Key: e.Key(), Value: e.Value()}
	}
	return d
}

// without returns a document without some fields.
func without(doc bson.Raw, names ...string) bson.Raw {
	return marshal(slices.DeleteFunc(fields(doc), func(f bson.E) bool { return slices.Contains(names, f.Key) }))
}

// values returns the values of an array; none if it is none.
func values(v bson.RawValue) []bson.RawValue {
	array, is := v.ArrayOK()
	if !is {
		return nil
	}
	all, err := array.Values()
	if err != nil {
		panic(fmt.Sprintf("docdb: %v", err))
	}
	return all
}
