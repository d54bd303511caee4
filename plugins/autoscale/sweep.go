package autoscale

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// sweep removes what an interrupted operation made and this one has no use for, and machines it had taken out of the group but not
// destroyed yet.
func (w *work) sweep(ctx context.Context) error {
	used := []string{w.kept.Profile}
	for _, side := range []map[string]keptPolicy{w.kept.Up, w.kept.Down} {
		for _, k := range side {
			used = append(append(used, k.ID), k.conditionIDs()...)
		}
	}
	var errs []error
	// A policy goes before its conditions.
	for _, kind := range []struct{ prefix, command string }{
		{"policy ", "deleteAutoScalePolicy"}, {"profile ", "deleteAutoScaleVmProfile"}, {"condition ", "deleteCondition"},
	} {
		for _, key := range slices.Sorted(maps.Keys(w.r.Resume)) {
			s := w.r.Resume[key]
			if s.Status != cloudstack.Adopted || s.ID == "" || !strings.HasPrefix(key, kind.prefix) || slices.Contains(used, s.ID) {
				continue
			}
			if err := w.remove(ctx, kind.command, s.ID); err != nil {
				errs = append(errs, fmt.Errorf("remove what an interrupted operation left: %w", err))
			}
		}
	}
	return errors.Join(append(errs, w.sweepEvicted(ctx))...)
}

// evictKey is the key of taking a member out of the group. It names the machine, which the group no longer does afterwards.
func evictKey(machine string) string { return "evict " + machine }

func (w *work) sweepEvicted(ctx context.Context) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(w.r.Resume)) {
		machine, ok := strings.CutPrefix(key, "evict ")
		if !ok {
			continue
		}
		m, err := w.r.Cloud.ReadByID(ctx, "destroyVirtualMachine", machine)
		switch {
		case cloudstack.IsGone(err):
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		case m.Str("autoscalevmgroupid") != "":
			continue // it never left, and the group takes care of it
		}
		errs = append(errs, w.destroy(ctx, machine))
	}
	return errors.Join(errs...)
}

// destroy removes a machine that is no member any more, for good where the caller may do that.
func (w *work) destroy(ctx context.Context, id string) error {
	params := cloudstack.Params{"id": id}
	if w.r.Identity.MayExpunge {
		params["expunge"] = "true"
	}
	err := w.r.Cloud.Delete(ctx, cloudstack.Mutation{Key: "destroy " + id, Command: "destroyVirtualMachine", Target: id, Params: params})
	if err == nil {
		return nil
	}
	if m, readErr := w.r.Cloud.ReadByID(ctx, "destroyVirtualMachine", id); readErr == nil && (m.Str("state") == "Destroyed" || m.Str("state") == "Expunging") {
		return nil
	}
	return fmt.Errorf("destroy the machine %s: %w", id, err)
}
