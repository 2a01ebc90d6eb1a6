//go:build unix

package servers

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// postgresBinaries returns the folder of the newest PostgreSQL that is installed.
func postgresBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian has them here, and not in PATH
	if err != nil {
		return "", err
	}
	newest, bin := 0, ""
	for _, name := range found {
		dir := filepath.Dir(name)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && version > newest {
			newest, bin = version, dir
		}
	}
	if bin != "" {
		return bin, nil
	}
	name, err := exec.LookPath("postgres")
	if err != nil {
		return "", absentError("PostgreSQL is not installed")
	}
	name, err = filepath.EvalSymlinks(name) // the other binaries are beside the true one
	return filepath.Dir(name), err
}

// documentDBBinaries returns the folder of the PostgreSQL that scripts/setup-documentdb installed.
func documentDBBinaries() (string, error) {
	root := os.Getenv(envDocumentDB)
	if root == "" {
		root = defaultDocumentDB
	}
	found, err := filepath.Glob(filepath.Join(root, "usr/lib/postgresql/*/bin/postgres"))
	if err == nil && len(found) == 0 {
		err = absentError("DocumentDB is not installed")
	}
	if err != nil {
		return "", err
	}
	return filepath.Dir(found[0]), nil
}

// pgBouncerBinary returns the name of the binary.
func pgBouncerBinary() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} { // not all users have sbin in PATH
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", absentError("PgBouncer is not installed")
}

// notRoot returns the user of a name if this is root: some servers refuse to be run by root, and no
// server has to be. It is nil for oneself.
func notRoot(name string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // as SysProcAttr has it
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, absentError("it does not run as root, and there is no user " + name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}
