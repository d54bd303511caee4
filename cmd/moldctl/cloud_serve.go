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

// cloudAccount is whose keys moldctl uses on the embedded cloud: like a first
// test on a real one, it is the administrator's.
const cloudAccount = "admin"

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
	options := cloudsim.Options{
		Dir: embedded.DataDir(dir), Latency: cloudsim.Latency(config.Latency), TimeScale: config.TimeScale,
		Flavor: cloudsim.Flavor(config.Flavor), Zone: config.Zone, Log: log,
	}
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
	keys, ok := cloud.Keys(cloudAccount)
	if !ok {
		cloud.Close()
		return nil, fmt.Errorf("the cloud has no account %q", cloudAccount)
	}
	err = embedded.Announce(dir, embedded.Process{
		PID: os.Getpid(), Endpoint: cloud.Endpoint(), Admin: cloud.AdminURL(), Token: cloud.Token(),
		Account: cloudAccount, APIKey: keys.APIKey, SecretKey: keys.SecretKey,
	})
	if err != nil {
		cloud.Close()
		return nil, err
	}
	return cloud, nil
}

// hostPort returns the host and port of a URL, "" if there is none.
func hostPort(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
