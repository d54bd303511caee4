package sdk

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"

	"github.com/moldctl/moldctl/sdk/wire"
)

// roleEnv makes the test binary play another part: a plugin, or a host that
// starts one.
const roleEnv = "MOLDCTL_SDK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "plugin":
		Serve(Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](netHandler{})}})
	case "host":
		client := startPlugin()
		if _, err := client.Client(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(client.ReattachConfig().Pid)
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

func startPlugin() *plugin.Client {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=plugin")
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake, Plugins: wire.ClientPlugins(), Cmd: cmd, AutoMTLS: true, SkipHostEnv: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, GRPCDialOptions: wire.DialOptions(),
		Logger: hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
	})
}

func TestServeInAProcess(t *testing.T) {
	t.Parallel()
	client := startPlugin()
	defer client.Kill()
	rpc, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rpc.Dispense(wire.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := raw.(wire.PluginClient).Describe(t.Context(), &wire.DescribeRequest{})
	if err != nil || string(reply.GetPluginYaml()) != netSpec {
		t.Fatalf("describe: %v, %v", reply, err)
	}
	// A cloud that is not there is told in the reply; the process lives on.
	configured, err := raw.(wire.PluginClient).Configure(t.Context(), &wire.ConfigureRequest{Cloud: &wire.Cloud{Alias: "a", Endpoint: "nonsense", ApiKey: "k", SecretKey: "s"}})
	if err != nil || !wire.Failed(configured.GetDiagnostics()) {
		t.Fatalf("configure: %v, %v", configured, err)
	}
	client.Kill()
	if !client.Exited() {
		t.Error("the plugin outlives Kill")
	}
}

// A host that is killed takes its plugins with it, wherever the kernel does
// not see to that.
func TestPluginEndsWithItsHost(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see whether a process lives")
	}
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), roleEnv+"=host")
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := host.Wait(); err == nil {
		t.Error("the host ended by itself")
	}
	if readErr != nil {
		t.Fatalf("the host said nothing: %v", readErr)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for lives(pid) {
		select {
		case <-deadline.C:
			t.Fatalf("the plugin, process %d, outlives its host", pid)
		case <-tick.C:
		}
	}
}

// lives tells whether a process runs; one that has ended and was not collected
// does not.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}
