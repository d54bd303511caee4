package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
	"github.com/moldctl/moldctl/internal/embedded"
)

type cloudStartCommand struct {
	cloudDirFlag
	Content   string                   `placeholder:"FILE" type:"path" help:"Start content (YAML): zones, offerings, templates, accounts. See: moldctl cloud content."`
	Latency   string                   `enum:",zero,fast,real" default:"" help:"How long its jobs take: zero, fast (default) or real."`
	LatencyOf map[string]time.Duration `mapsep:"," placeholder:"COMMAND=DURATION" help:"How long the jobs of single commands take."`
	TimeScale float64                  `default:"0" placeholder:"N" help:"How many times faster than real time its clock runs."`
	Flavor    string                   `enum:",cloudstack,mold,both" default:"" help:"Which signatures it takes: cloudstack (HMAC-SHA1), mold (HMAC-SHA256) or both (default)."`
	Fidelity  string                   `enum:",strict,ideal" default:"" help:"Whether it keeps CloudStack's odd behaviours: strict (default) or ideal."`
	Throttle  *int                     `placeholder:"N" help:"How many calls an account may make in a second, administrators excepted; 0 takes the limit away."`
}

// Run starts the cloud; how it runs is kept for the next time.
func (c *cloudStartCommand) Run(ctx context.Context, io streams) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	config, err := embedded.ReadConfig(dir)
	if err != nil {
		return err
	}
	wanted := c.wanted(config)
	if !wanted.Equal(config) {
		if err := c.change(ctx, dir, config, wanted); err != nil {
			return err
		}
	}
	p, started, err := startCloud(ctx, dir)
	if err != nil {
		return err
	}
	word := "runs already"
	if started {
		word = "started"
	}
	fmt.Fprintf(io.out, "The embedded cloud %s at %s as process %d.\n", word, p.Endpoint, p.PID)
	return nil
}

// wanted is how the cloud shall run: as before, but for what the flags say.
func (c *cloudStartCommand) wanted(config embedded.Config) embedded.Config {
	for _, set := range []struct {
		flag  string
		value *string
	}{{c.Latency, &config.Latency}, {c.Flavor, &config.Flavor}, {c.Fidelity, &config.Fidelity}, {c.Content, &config.Content}} {
		if set.flag != "" {
			*set.value = set.flag
		}
	}
	if c.TimeScale > 0 {
		config.TimeScale = c.TimeScale
	}
	if c.Throttle != nil {
		config.Throttle = *c.Throttle
	}
	if len(c.LatencyOf) > 0 {
		config.Latencies = maps.Clone(config.Latencies)
		if config.Latencies == nil {
			config.Latencies = make(map[string]time.Duration)
		}
		maps.Copy(config.Latencies, c.LatencyOf)
	}
	return config
}

// change keeps another way to run, once it is known to work.
func (c *cloudStartCommand) change(ctx context.Context, dir string, before, wanted embedded.Config) error {
	if err := cloudOptions(wanted).Check(); err != nil {
		return fmt.Errorf("start the embedded cloud: %w", err)
	}
	if wanted.Content != before.Content {
		if _, err := content.Load(wanted.Content); err != nil {
			return err
		}
		data, err := embedded.HasData(dir)
		if err != nil {
			return err
		}
		if data {
			return fmt.Errorf("the embedded cloud in %s has content already, and --content counts for an empty one; throw it away with: moldctl cloud reset --content %s (or take another folder: --cloud-dir DIR)", dir, c.Content)
		}
	}
	_, err := embedded.Find(ctx, dir)
	if err == nil {
		return errors.New("the embedded cloud runs already, otherwise than asked for; stop it first: moldctl cloud stop")
	}
	if !errors.Is(err, embedded.ErrNotRunning) {
		return err
	}
	return embedded.WriteConfig(dir, wanted)
}

type cloudResetCommand struct {
	cloudDirFlag
	AutoApprove bool   `help:"Do not ask."`
	Content     string `placeholder:"FILE" type:"path" help:"Fill it with this start content from now on."`
}

// Run throws the cloud's content away.
func (c *cloudResetCommand) Run(ctx context.Context, io streams) error {
	p, err := c.find(ctx)
	if err != nil {
		return err
	}
	if c.Content != "" {
		if _, err := content.Load(c.Content); err != nil {
			return err
		}
	}
	if !c.AutoApprove {
		s := session{io: io}
		if err := s.ask(ctx, "Throw away everything in the embedded cloud?"); err != nil {
			return err
		}
	}
	if c.Content != "" {
		if err := c.keepContent(); err != nil {
			return err
		}
	}
	if err := p.Reset(ctx, c.Content); err != nil {
		return fmt.Errorf("reset the embedded cloud: %w", err)
	}
	fmt.Fprintln(io.out, "The embedded cloud is empty. States of stacks on it (.moldctl/embedded.db) refer to what is gone: remove them to begin anew.")
	return nil
}

func (c *cloudResetCommand) keepContent() error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	config, err := embedded.ReadConfig(dir)
	if err != nil {
		return err
	}
	config.Content = c.Content
	return embedded.WriteConfig(dir, config)
}
