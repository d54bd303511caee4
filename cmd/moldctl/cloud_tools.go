package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
	"github.com/moldctl/moldctl/internal/embedded"
)

type cloudContentCommand struct {
	File    string `arg:"" optional:"" type:"path" help:"Check this file, and print it with all that it leaves out."`
	Example string `enum:",simulator" default:"" help:"Print an example instead: simulator, the zone that CloudStack's own simulator and its clients' tests use."`
}

// Run prints start content. It needs no cloud.
func (c *cloudContentCommand) Run(io streams) error {
	if c.Example != "" {
		text, err := content.Example(c.Example)
		if err != nil {
			return err
		}
		_, err = io.out.Write(text)
		return err
	}
	read := content.Default
	if c.File != "" {
		read = func() (*content.File, error) { return content.Load(c.File) }
	}
	file, err := read()
	if err != nil {
		return err
	}
	return content.Print(io.out, file)
}

type cloudFaultsCommand struct {
	Add   cloudFaultsAddCommand   `cmd:"" help:"Arm a fault."`
	List  cloudFaultsListCommand  `cmd:"" help:"List the armed faults with how often they struck."`
	Clear cloudFaultsClearCommand `cmd:"" help:"Disarm a fault, or all, and release the calls that are held."`
}

type cloudFaultsAddCommand struct {
	cloudDirFlag
	Command string        `arg:"" placeholder:"COMMAND" help:"Command it strikes, such as deployVirtualMachine; * for every one."`
	Kind    string        `enum:"reset,refuse,status,delay,hold,job-fail,job-hang" required:"" help:"reset or refuse the connection, answer an HTTP status, delay the answer, hold it until the fault is cleared, or let the job fail or never end."`
	Next    int           `xor:"which" placeholder:"N" help:"Strike the next N calls; the next one if nothing is said."`
	Nth     int           `xor:"which" placeholder:"N" help:"Strike the Nth call."`
	Every   int           `xor:"which" placeholder:"N" help:"Strike every Nth call."`
	After   bool          `help:"Strike once the call was carried out: its answer is lost."`
	Status  int           `help:"Kind status: the HTTP status, 429, 503 or 530 for example."`
	Delay   time.Duration `help:"Kind delay: how long."`
	Code    int           `help:"Kind job-fail: the error code; 530 if nothing is said."`
	Text    string        `help:"The text of the error."`
}

// Run arms the fault.
func (c *cloudFaultsAddCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	f := embedded.Fault{Command: c.Command, Kind: strings.ReplaceAll(c.Kind, "-", "_"), Next: c.Next, Nth: c.Nth, Every: c.Every,
		Status: c.Status, DelayMS: int(c.Delay.Milliseconds()), Code: c.Code, Text: c.Text}
	if c.After {
		f.Where = "after"
	}
	if f, err = p.AddFault(ctx, f); err != nil {
		return fmt.Errorf("arm a fault: %w", err)
	}
	_, err = fmt.Fprintf(io.out, "%s: %s\n", f.ID, describeFault(f))
	return err
}

// describeFault says what a fault does and whom it strikes.
func describeFault(f embedded.Fault) string {
	what := map[string]string{"reset": "the connection is reset", "refuse": "the connection is closed", "status": fmt.Sprintf("HTTP %d", f.Status),
		"delay":    (time.Duration(f.DelayMS) * time.Millisecond).String() + " late",
		"hold":     "held until cleared",
		"job_fail": fmt.Sprintf("its job fails with %d", f.Code), "job_hang": "its job never ends"}[f.Kind]
	which := fmt.Sprintf("the next %d calls", f.Next)
	switch {
	case f.Nth > 0:
		which = fmt.Sprintf("call %d", f.Nth)
	case f.Every > 0:
		which = fmt.Sprintf("every %d. call", f.Every)
	case f.Next == 1:
		which = "the next call"
	}
	command := f.Command
	if command == "" || command == "*" {
		command = "any command"
	}
	if f.Where == "after" {
		what += " after it was carried out"
	}
	return fmt.Sprintf("%s of %s: %s", which, command, what)
}

type cloudFaultsListCommand struct {
	cloudDirFlag
	JSON bool `name:"json" help:"Write JSON for programs."`
}

// Run lists the faults.
func (c *cloudFaultsListCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	all, err := p.Faults(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(io.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(io.out, "No fault is armed.")
		return nil
	}
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tFAULT\tSEEN\tSTRUCK\tHELD")
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", f.ID, describeFault(f), f.Seen, f.Struck, f.Held)
	}
	return table.Flush()
}

type cloudFaultsClearCommand struct {
	cloudDirFlag
	ID string `arg:"" optional:"" help:"The fault; without it all."`
}

// Run disarms faults.
func (c *cloudFaultsClearCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	n, err := p.ClearFaults(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.ID != "" && n == 0 {
		return fmt.Errorf("there is no fault %s; see: moldctl cloud faults list", c.ID)
	}
	fmt.Fprintf(io.out, "Faults disarmed: %d.\n", n)
	return nil
}

type cloudAuditCommand struct {
	cloudDirFlag
	Since  int64 `placeholder:"N" help:"Only calls after number N."`
	Follow bool  `short:"f" help:"Go on with those to come, until interrupted."`
	JSON   bool  `name:"json" help:"Write JSON for programs, a document a line."`
}

// Run shows the audit log.
func (c *cloudAuditCommand) Run(ctx context.Context, streams streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	wait := time.Duration(0)
	for since := c.Since; ; wait = 20 * time.Second {
		raw, entries, err := p.AuditSince(ctx, since, wait)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for i, e := range entries {
			since = max(since, e.N)
			if err := printAudit(streams.out, raw[i], e, c.JSON); err != nil {
				return err
			}
		}
		if !c.Follow {
			return nil
		}
	}
}

func printAudit(out io.Writer, raw json.RawMessage, e embedded.AuditEntry, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(out, "%s\n", raw)
		return err
	}
	result := "ok"
	switch {
	case e.Status != 200:
		result = fmt.Sprintf("%d %s", e.Status, e.ErrorText)
	case e.JobStatus == 2:
		result = "job failed: " + e.JobText
	}
	if e.Lost {
		result += " (answer lost)"
	}
	var params []string
	for _, name := range slices.Sorted(maps.Keys(e.Params)) {
		params = append(params, fmt.Sprintf("%s=%q", name, e.Params[name]))
	}
	_, err := fmt.Fprintf(out, "%5d  %s  %s  %s  %s  %s\n", e.N, e.Created.UTC().Format(time.DateTime), e.Account, e.Command, result, strings.Join(params, " "))
	return err
}

type cloudClockCommand struct {
	Show    cloudClockShowCommand    `cmd:"" default:"1" help:"Show the cloud's time."`
	Advance cloudClockAdvanceCommand `cmd:"" help:"Move the clock forward; what is due then happens."`
}

type cloudClockShowCommand struct{ cloudDirFlag }

// Run shows the clock.
func (c *cloudClockShowCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	clock, err := p.Clock(ctx)
	if err != nil {
		return err
	}
	return printClock(io.out, clock)
}

func printClock(out io.Writer, clock embedded.Clock) error {
	_, err := fmt.Fprintf(out, "%s, %g times as fast as real time\n", clock.Now.Format(time.RFC3339), clock.Scale)
	return err
}

type cloudClockAdvanceCommand struct {
	cloudDirFlag
	By time.Duration `arg:"" placeholder:"DURATION" help:"How far, such as 90s or 24h."`
}

// Run moves the clock.
func (c *cloudClockAdvanceCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	clock, err := p.Advance(ctx, c.By)
	if err != nil {
		return fmt.Errorf("move the clock: %w", err)
	}
	return printClock(io.out, clock)
}

type cloudOpenCommand struct {
	cloudDirFlag
	Address string `arg:"" optional:"" placeholder:"ADDRESS:PORT" help:"Public address in the cloud; without it the dashboard, and all that are mapped."`
}

// Run shows where to go with a browser. Most public addresses need no mapping:
// they are loopback addresses of this machine.
func (c *cloudOpenCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if c.Address != "" {
		fmt.Fprintf(io.out, "http://%s/\n", reachableAt(c.Address, status.Public))
		return nil
	}
	page, err := p.Dashboard(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "dashboard  %s  (lets one browser in, within ten minutes)\n", page)
	if len(status.Public) == 0 {
		fmt.Fprintln(io.out, "Every public address is reached as it is.")
	}
	for _, address := range slices.Sorted(maps.Keys(status.Public)) {
		fmt.Fprintf(io.out, "%s  http://%s/\n", address, status.Public[address])
	}
	return nil
}
