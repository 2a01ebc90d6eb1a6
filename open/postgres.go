package open

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

func postgresStore(a *address, p *parameters, c *config) (*opener, error) {
	dial, err := poolConfig(a, p)
	if err != nil {
		return nil, err
	}
	opts := []postgres.Option{postgres.Logger(c.logger), postgres.ClockOffset(c.offset), postgres.Notify(p.notify)}
	if p.namespace != "" {
		opts = append(opts, postgres.Schema(p.namespace))
	}
	if p.retention > 0 {
		opts = append(opts, postgres.Retention(p.retention))
	}
	if p.retentionFailed > 0 {
		opts = append(opts, postgres.RetentionFailed(p.retentionFailed))
	}
	if p.pooler {
		opts = append(opts, postgres.Pooler())
	}
	return &opener{
		open: func(ctx context.Context) (store.Full, func() error, error) {
			pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), dial)
			if err != nil {
				return nil, nil, err
			}
			s, err := postgres.New(pool, opts...)
			if err != nil {
				pool.Close()
				return nil, nil, err
			}
			return s, func() error { pool.Close(); return nil }, nil
		},
		drop: func(ctx context.Context) error { return dropSchema(ctx, dial.ConnConfig.Copy(), p.namespace) },
	}, nil
}

// dropSchema removes a schema and all in it.
func dropSchema(ctx context.Context, dial *pgx.ConnConfig, schema string) error {
	conn, err := pgx.ConnectConfig(ctx, dial)
	if err != nil {
		return errors.New(brief(err.Error()))
	}
	text := "DROP SCHEMA IF EXISTS " + pgx.Identifier{schema}.Sanitize() + " CASCADE"
	_, err = conn.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

func poolConfig(a *address, p *parameters) (*pgxpool.Config, error) {
	dial, err := checked(a, func(a *address) (*pgxpool.Config, error) { return pgxpool.ParseConfig(a.as("postgres")) })
	if err != nil {
		return nil, err
	}
	if m := &dial.ConnConfig.DefaultQueryExecMode; p.pooler && *m == pgx.QueryExecModeCacheStatement {
		*m = pgx.QueryExecModeCacheDescribe // handlers' transactions must do without named statements, too
	}
	return dial, nil
}
