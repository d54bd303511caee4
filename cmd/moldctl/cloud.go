package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/moldctl/moldctl/internal/embedded"
)

type cloudCommand struct {
	Start  cloudStartCommand  `cmd:"" help:"Start the embedded cloud. Commands that need it do so by themselves."`
	Stop   cloudStopCommand   `cmd:"" help:"Stop it. Its data stays."`
	Status cloudStatusCommand `cmd:"" help:"Show whether it runs, where, and what is in it."`
	Reset  cloudResetCommand  `cmd:"" help:"Throw everything in it away."`
	Load   cloudLoadCommand   `cmd:"" help:"Give machines a CPU load, to see a group grow and shrink."`
	Logs   cloudLogsCommand   `cmd:"" help:"Show its log, or the calls it was sent."`
	Open   cloudOpenCommand   `cmd:"" help:"Show the address of its dashboard, or where a public address can be reached from this machine."`

	Content cloudContentCommand `cmd:"" help:"Print what is in a fresh cloud, as a file to start another one with."`
	Faults  cloudFaultsCommand  `cmd:"" help:"Let calls go wrong on purpose."`
	Audit   cloudAuditCommand   `cmd:"" help:"Show the changing calls it was sent."`
	Clock   cloudClockCommand   `cmd:"" help:"Show its clock, or move it forward."`

	Serve cloudServeCommand `cmd:"" hidden:"" help:"Serve the embedded cloud; moldctl starts this by itself."`
}

// cloudDirFlag names the folder of a cloud.
type cloudDirFlag struct {
	CloudDir string `placeholder:"DIR" type:"path" help:"Folder of the embedded cloud (also: MOLDCTL_CLOUD_DIR)."`
}

func (f cloudDirFlag) dir() (string, error) {
	if f.CloudDir != "" {
		return f.CloudDir, nil
	}
	return embedded.DefaultDir()
}

// find returns the running cloud, or an error that says how to start it.
func (f cloudDirFlag) find(ctx context.Context) (*embedded.Process, error) {
	dir, err := f.dir()
	if err != nil {
		return nil, err
	}
	p, err := embedded.Find(ctx, dir)
	if errors.Is(err, embedded.ErrNotRunning) {
		return nil, fmt.Errorf("%w (folder %s); start it with: moldctl cloud start", err, dir)
	}
	return p, err
}

// startCloud makes sure that the cloud of a folder runs; "" is the default folder.
func startCloud(ctx context.Context, dir string) (*embedded.Process, bool, error) {
	dir, err := cloudDirFlag{dir}.dir()
	if err != nil {
		return nil, false, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, false, fmt.Errorf("find this program to serve the cloud with: %w", err)
	}
	return embedded.Start(ctx, dir, []string{self, "cloud", "serve", "--cloud-dir", dir})
}

type cloudStopCommand struct{ cloudDirFlag }

// Run stops the cloud. One that does not run is no error.
func (c *cloudStopCommand) Run(ctx context.Context, io streams) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	p, err := embedded.Find(ctx, dir)
	if errors.Is(err, embedded.ErrNotRunning) {
		fmt.Fprintln(io.out, "The embedded cloud is not running.")
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.Stop(ctx); err != nil {
		return fmt.Errorf("stop the embedded cloud: %w", err)
	}
	fmt.Fprintln(io.out, "The embedded cloud is stopped. Its data stays in", dir)
	return nil
}

type cloudStatusCommand struct {
	cloudDirFlag
	JSON bool `name:"json" help:"Write JSON for programs."`
	Keys bool `help:"Show the keys too, as environment variables, for other tools."`
}

// cloudStatus is the JSON result of status.
type cloudStatus struct {
	Running bool   `json:"running"`
	Dir     string `json:"dir"`
	embedded.Status
}

// Run shows the cloud's status. It exits with 1 when the cloud does not run.
func (c *cloudStatusCommand) Run(ctx context.Context, io streams) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	p, err := embedded.Find(ctx, dir)
	if errors.Is(err, embedded.ErrNotRunning) {
		if c.JSON {
			return errors.Join(writeJSON(io.out, cloudStatus{Dir: dir}), exitCode(exitError))
		}
		fmt.Fprintf(io.out, "The embedded cloud is not running (folder %s).\n", dir)
		return exitCode(exitError)
	}
	if err != nil {
		return err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(io.out, cloudStatus{true, dir, status})
	}
	if c.Keys {
		_, err := fmt.Fprintf(io.out, "export MOLD_API_URL=%s\nexport MOLD_API_KEY=%s\nexport MOLD_SECRET_KEY=%s\n", p.Endpoint, p.APIKey, p.SecretKey)
		return err
	}
	return printStatus(io.out, dir, p.Admin, status)
}

func printStatus(out io.Writer, dir, admin string, s embedded.Status) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "endpoint\t%s\ndashboard\t%s/ (moldctl cloud open lets you in)\nprocess\t%d\nfolder\t%s\nzone\t%s\nlatency\t%s\nsignatures\t%s\nfidelity\t%s\n",
		s.Endpoint, admin, s.PID, dir, s.Zone, s.Latency, s.Flavor, s.Fidelity)
	if s.Throttle > 0 {
		fmt.Fprintf(table, "throttle\t%d calls a second\n", s.Throttle)
	}
	for _, what := range slices.Sorted(maps.Keys(s.Counts)) {
		fmt.Fprintf(table, "%s\t%d\n", what, s.Counts[what])
	}
	for _, address := range slices.Sorted(maps.Keys(s.Public)) {
		fmt.Fprintf(table, "%s\tis reached at %s\n", address, s.Public[address])
	}
	return table.Flush()
}

type cloudLoadCommand struct {
	cloudDirFlag
	VM      string  `name:"vm" xor:"target" required:"" placeholder:"NAME" help:"Machine, by name or id."`
	Group   string  `xor:"target" required:"" placeholder:"NAME" help:"Autoscale group, by name or id: all its machines, later ones too."`
	CPU     float64 `name:"cpu" required:"" help:"Load in percent; --cpu=-1 ends it, and the real load counts again."`
	Seconds int     `help:"How long; without it until it is changed."`
}

// Run sets the load of machines.
func (c *cloudLoadCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	n, err := p.SetLoad(ctx, embedded.Load{VM: c.VM, Group: c.Group, CPU: c.CPU, Seconds: c.Seconds})
	if err != nil {
		return fmt.Errorf("set the load: %w", err)
	}
	if c.CPU < 0 {
		fmt.Fprintf(io.out, "%d machines: the real load counts again.\n", n)
		return nil
	}
	fmt.Fprintf(io.out, "%d machines: %g %% CPU.\n", n, c.CPU)
	return nil
}

type cloudLogsCommand struct {
	cloudDirFlag
	Audit bool `help:"Show the changing calls it was sent, one JSON document a line."`
}

// Run shows what the cloud wrote, or what it was asked to do.
func (c *cloudLogsCommand) Run(ctx context.Context, streams streams) error {
	if !c.Audit {
		dir, err := c.dir()
		if err != nil {
			return err
		}
		log, err := os.Open(embedded.LogPath(dir))
		if err != nil {
			return fmt.Errorf("read the log of the embedded cloud: %w", err)
		}
		defer log.Close()
		_, err = io.Copy(streams.out, log)
		return err
	}
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	entries, err := p.Audit(ctx)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := json.NewEncoder(streams.out).Encode(entry); err != nil {
			return err
		}
	}
	return nil
}

// reachableAt finds where an address is mapped to; port 80 is meant without one.
func reachableAt(address string, public map[string]string) string {
	full := address
	if !strings.Contains(address, ":") {
		full += ":80"
	}
	if at, ok := public[full]; ok {
		return at
	}
	return strings.TrimSuffix(address, ":80")
}

// reachable says where outputs that hold mapped addresses can be reached.
func (s *session) reachable(list outputs) error {
	if !s.Embedded() || s.flags.JSON || s.process == nil {
		return nil
	}
	status, err := s.process.Status(context.Background())
	if err != nil {
		return nil // the result stands: this is only where to look at it
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		text := list.plain(name)
		for address, at := range status.Public {
			host := strings.TrimSuffix(address, ":80")
			if strings.Contains(text, "://"+address+"/") || strings.Contains(text, "://"+host+"/") {
				fmt.Fprintf(s.io.out, "\n%s is reached from this machine at http://%s/\n", name, at)
			}
		}
	}
	return nil
}
