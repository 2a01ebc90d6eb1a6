package open

import "github.com/jackc/pgx/v5"

// Check does what [Store] does before it opens anything.
func Check(url string) error {
	c := config{}
	a, s, err := find(url)
	if err != nil {
		return err
	}
	_, err = s.plan(a, &c)
	return err
}

// Parameters returns Firefly's parameters of each scheme.
func Parameters() map[string][]string {
	all := map[string][]string{}
	for i := range schemes {
		all[schemes[i].name] = schemes[i].parameters
	}
	return all
}

// Database returns the database that a URL of MongoDB names.
func Database(url string) (string, error) {
	a, _, err := find(url)
	if err != nil {
		return "", err
	}
	return databaseOf(a)
}

// QueryExecMode returns how a URL of PostgreSQL lets handlers' transactions run statements.
func QueryExecMode(url string) (pgx.QueryExecMode, error) {
	a, s, err := find(url)
	if err != nil {
		return 0, err
	}
	p, _ := readParameters(a.own, s)
	dial, err := poolConfig(a, p)
	if err != nil {
		return 0, err
	}
	return dial.ConnConfig.DefaultQueryExecMode, nil
}
