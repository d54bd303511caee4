package otherclients_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// pythonVariable names a Python interpreter that has the clients; .ci/run sets it.
const pythonVariable = "MOLDCTL_TEST_PYTHON"

// python finds an interpreter with a module, or skips the test and says so.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, name := range []string{os.Getenv(pythonVariable), "python3"} {
		path, err := exec.LookPath(name)
		if name == "" || err != nil {
			continue
		}
		if exec.Command(path, "-c", "import "+module).Run() == nil {
			return path
		}
	}
	t.Skipf("SKIPPED: no Python with the module %s; %s names an interpreter that has it", module, pythonVariable)
	return ""
}

// TestPython runs clients.py with each of its clients.
func TestPython(t *testing.T) {
	t.Parallel()
	for client, least := range map[string]int{"cs": 12, "libcloud": 12} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			interpreter := python(t, client)
			cloud := startCloud(t)
			keys, _ := cloud.Keys("admin")
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, interpreter, "clients.py", client, cloud.Endpoint(), keys.APIKey, keys.SecretKey)
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "CLOUDSTACK_CONFIG=/dev/null")
			var said bytes.Buffer
			cmd.Stderr = &said
			out, err := cmd.Output()
			if n := strings.Count(string(out), "ok "); err != nil || n < least {
				t.Errorf("%v; %d kinds went well of at least %d:\n%s\n%s", err, n, least, out, &said)
			}
		})
	}
}
