package conformance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moldctl/moldctl/internal/conformance"
)

// pythonVariable names a Python interpreter that has grpcio; .ci/python makes one.
const pythonVariable = "MOLDCTL_TEST_PYTHON"

// python finds an interpreter with what the plugin needs, or skips the test and
// says so.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv(pythonVariable), "python3"} {
		path, err := exec.LookPath(name)
		if name == "" || err != nil {
			continue
		}
		if exec.Command(path, "-c", "import grpc, grpc_tools, grpc_health, cryptography").Run() == nil {
			return path
		}
	}
	t.Skipf("SKIPPED: no Python with grpcio; %s names an interpreter that has it (.ci/python makes one)", pythonVariable)
	return ""
}

// TestPython runs the kit on a plugin that was written in Python from
// docs/plugin-protocol.md: nothing of the SDK, and values as JSON.
func TestPython(t *testing.T) {
	t.Parallel()
	interpreter := python(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "plugins", "python"))); err != nil {
		t.Fatal(err)
	}
	stubs := exec.CommandContext(t.Context(), interpreter, "-m", "grpc_tools.protoc",
		"-I"+filepath.Join("..", "..", "sdk", "wire"), "--python_out="+dir, "--grpc_python_out="+dir, "plugin.proto")
	if out, err := stubs.CombinedOutput(); err != nil {
		t.Fatalf("make the messages of plugin.proto: %v\n%s", err, out)
	}
	s := subject(t, "compute")
	s.Others = append(s.Others, s.Source)
	s.Files = os.DirFS(dir)
	spec, err := os.ReadFile(filepath.Join(dir, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.Source.Name, s.Source.Spec, s.Source.Env = "python", spec, nil
	s.Inside = nil
	s.Source.Command = []string{interpreter, filepath.Join(dir, "plugin.py")}
	report, err := conformance.Run(t.Context(), s, conformance.Options{Random: 2, Seed: 1, Parallel: 2, Brief: !soak(), Thorough: soak()})
	if err != nil {
		t.Fatal(err)
	}
	judge(t, report)
}
