package docdb

import "go.mongodb.org/mongo-driver/v2/bson"

// withWriteErrors gives the errors in a write's reply MongoDB's codes. It returns the first, too,
// or one that is a conflict if there is any: DocumentDB goes on after a statement that has failed,
// within the transaction that the caller has begun.
func withWriteErrors(reply bson.Raw, namespace string) (bson.Raw, *commandError) {
	const writeErrors = "writeErrors"
	if reply.Lookup(writeErrors).IsZero() {
		return reply, nil
	}
	var first *commandError
	var all bson.A
	for _, v := range values(reply.Lookup(writeErrors)) {
		failed := errorIn(v.Document(), namespace)
		if failed == nil {
			continue
		}
		if first == nil || failed.kind == writeConflict {
			first = failed
		}
		all = append(all, bson.D{
			{Key: "index", Value: v.Document().Lookup("index")},
			{Key: "code", Value: failed.code},
			{Key: "errmsg", Value: failed.message},
		})
	}
	told := fields(without(reply, writeErrors))
	if first != nil {
		told = append(told, bson.E{Key: writeErrors, Value: all})
	}
	return marshal(told), first
}
