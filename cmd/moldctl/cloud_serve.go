package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
	"github.com/moldctl/moldctl/internal/embedded"
)

type cloudServeCommand struct{ cloudDirFlag }

// Run serves the cloud until it is stopped.
func (c *cloudServeCommand) Run(ctx context.Context, io streams) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	cloud, err := serve(ctx, dir, func(format string, args ...any) {
		fmt.Fprintf(io.err, time.Now().Format(time.RFC3339)+" "+format+"\n", args...)
	})
	if errors.Is(err, cloudsim.ErrInUse) {
		fmt.Fprintln(io.err, err)
		return exitCode(embedded.ExitInUse)
	}
	if err != nil {
		return fmt.Errorf("serve the embedded cloud: %w", err)
	}
	select {
	case <-ctx.Done():
		cloud.Close()
	case <-cloud.Done():
	}
	return embedded.Withdraw(dir)
}

// serve starts the cloud of a folder, at its former addresses if they are free.
func serve(ctx context.Context, dir string, log func(string, ...any)) (*cloudsim.Cloud, error) {
	config, err := embedded.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	options := cloudOptions(config)
	options.Dir, options.Log = embedded.DataDir(dir), log
	again := options
	if last, err := embedded.Announced(dir); err == nil {
		again.Listen, again.Admin = hostPort(last.Endpoint), hostPort(last.Admin)
	}
	cloud, err := cloudsim.Start(ctx, again)
	if err != nil && errors.Is(err, syscall.EADDRINUSE) {
		cloud, err = cloudsim.Start(ctx, options)
	}
	if err != nil {
		return nil, err
	}
	status := cloud.Status()
	keys, ok := status.Keys[status.Administrator]
	if !ok {
		cloud.Close()
		return nil, errors.New("the cloud has no root administrator with keys")
	}
	err = embedded.Announce(dir, embedded.Process{
		PID: os.Getpid(), Endpoint: cloud.Endpoint(), Admin: cloud.AdminURL(), Token: cloud.Token(),
		Account: status.Administrator, APIKey: keys.APIKey, SecretKey: keys.SecretKey,
	})
	if err != nil {
		cloud.Close()
		return nil, err
	}
	return cloud, nil
}

// cloudOptions are the options of the cloud that a configuration describes. The
// keys moldctl uses there are those of the administrator, like in a first test
// on a real cloud.
func cloudOptions(c embedded.Config) cloudsim.Options {
	options := cloudsim.Options{
		Latency: cloudsim.Latency(c.Latency), TimeScale: c.TimeScale, Flavor: cloudsim.Flavor(c.Flavor), Zone: c.Zone,
		Fidelity: cloudsim.Fidelity(c.Fidelity), Throttle: c.Throttle, Latencies: c.Latencies, ContentFile: c.Content,
	}
	if c.Content != "" {
		options.Zone = "" // the file names it
	}
	return options
}

// hostPort returns the host and port of a URL, "" if there is none.
func hostPort(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
