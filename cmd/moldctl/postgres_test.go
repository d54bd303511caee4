package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/internal/embedded"
	"github.com/moldctl/moldctl/internal/postgrestest"
)

// TestSharedStates runs scripts whose state lies in a database.
func TestSharedStates(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	// The scripts are parallel tests: they end before the server does only
	// inside a test of their own.
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir: filepath.Join("..", "..", "testdata", "script-postgres"),
			Setup: func(env *testscript.Env) error {
				env.Setenv(core.StateURLVariable, server.URL())
				return setUp(env)
			},
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"cloud-keys": cloudKeys,
				"recipients": recipients,
				"hold-lease": holdLease,
			},
		})
	})
}

// cloudKeys makes the script's cloud look like any other one: by its endpoint
// and its keys.
func cloudKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: cloud-keys")
	}
	p, err := embedded.Find(context.Background(), ts.Getenv("MOLDCTL_CLOUD_DIR"))
	ts.Check(err)
	ts.Setenv("MOLD_API_URL", p.Endpoint)
	ts.Setenv("MOLD_API_KEY", p.APIKey)
	ts.Setenv("MOLD_SECRET_KEY", p.SecretKey)
}

// recipients takes public keys from a file.
func recipients(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: recipients FILE")
	}
	ts.Setenv(core.StateRecipientsVariable, strings.Join(strings.Fields(ts.ReadFile(args[0])), ","))
}

// holdLease holds a stack's state until the script ends.
func holdLease(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold-lease STACK")
	}
	s, err := state.Open(context.Background(), state.Place{URL: ts.Getenv(core.StateURLVariable), Environment: "default", Stack: args[0]}, state.Options{
		Holder: "apply elsewhere", LeaseTime: 2 * time.Second, IdentityFile: filepath.Join(ts.Getenv("HOME"), ".config", "moldctl", "keys", "identity.txt"),
	})
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Close()) })
}
