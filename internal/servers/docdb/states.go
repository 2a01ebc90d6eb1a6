package docdb

import (
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// states has MongoDB's errors by the SQLSTATEs that PostgreSQL and DocumentDB say them with.
var states = map[string]kind{
	"M0001": badValue,
	"M0003": {9, "FailedToParse"},
	"M0004": {14, "TypeMismatch"},
	"M0005": {15, "Overflow"},
	"M0006": illegalOperation,
	"M0008": {26, "NamespaceNotFound"},
	"M0009": {27, "IndexNotFound"},
	"M000A": {28, "PathNotViable"},
	"M000D": {40, "ConflictingUpdateOperators"},
	"M000E": cursorNotFound,
	"M000F": {48, "NamespaceExists"},
	"M000G": {52, "DollarPrefixedFieldName"},
	"M000J": {56, "EmptyFieldName"},
	"M000K": {57, "DottedFieldName"},
	"M000M": {66, "ImmutableField"},
	"M000N": {67, "CannotCreateIndex"},
	"M000O": {68, "IndexAlreadyExists"},
	"M000P": {72, "InvalidOptions"},
	"M000Q": {73, "InvalidNamespace"},
	"M000R": {85, "IndexOptionsConflict"},
	"M000S": {86, "IndexKeySpecsConflict"},
	"M000U": {115, "CommandNotSupported"},
	"M00CO": {121, "DocumentValidationFailure"},
	"M000W": {146, "ExceededMemoryLimit"},
	"M0012": {197, "InvalidIndexSpecificationOption"},
	"M0015": {241, "ConversionFailure"},
	"M0016": notInTransaction,
	"M001B": {10334, "BSONObjectTooLarge"},
	"M001C": duplicateKey,
	"M003A": {17419, "Location17419"}, // a document that an update makes too large
	"M007U": {40324, "Location40324"},

	"23505": duplicateKey,   // unique violation
	"23P01": duplicateKey,   // exclusion violation
	"40001": writeConflict,  // serialization failure
	"40P01": writeConflict,  // deadlock detected
	"55P03": writeConflict,  // lock not available
	"57014": maxTimeExpired, // query canceled
}

// errorIn returns the error that a document tells of, if any. Its code may be an SQLSTATE, packed.
func errorIn(doc bson.Raw, namespace string) *commandError {
	const highest = 1 << 20 // of MongoDB's codes
	code, _ := doc.Lookup("code").AsInt64OK()
	message, _ := doc.Lookup("errmsg").StringValueOK()
	switch {
	case code == 0:
		return nil
	case code > highest:
		return fromState(unpack(code), message, namespace)
	}
	return kind{code: int32(code)}.errorf("%s", message) //nolint:gosec // see highest
}

// unpack returns the SQLSTATE that PostgreSQL has packed into an integer: five characters of six bits.
func unpack(code int64) string {
	b := make([]byte, 5)
	for i := range b {
		b[i] = byte(code&0x3f) + '0'
		code >>= 6
	}
	return string(b)
}

var indexName = regexp.MustCompile(`Index '([^']*)'`)

// fromState returns MongoDB's error for an SQLSTATE.
func fromState(state, message, namespace string) *commandError {
	k, known := states[state]
	switch {
	case known:
	case state == "M0000" && strings.HasPrefix(message, "Unable to create the specified collection"):
		k = writeConflict // another command has just made it
	case state == "XX000" && message == "tuple concurrently updated":
		k = writeConflict
	case strings.HasPrefix(state, "M"): // one of some hundred that nobody should branch on
		k, message = badValue, message+" ["+state+"]"
	default:
		k, message = internalError, message+" [SQLSTATE "+state+"]"
	}
	if k == duplicateKey {
		index := ""
		if m := indexName.FindStringSubmatch(message); m != nil {
			index = m[1]
		}
		return k.errorf("E11000 duplicate key error collection: %s index: %s dup key: { } (%s)", namespace, index, message)
	}
	return k.errorf("%s", message)
}
