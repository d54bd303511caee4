package compute_test

import (
	"testing"

	"github.com/moldctl/moldctl/plugins/compute"
	"github.com/moldctl/moldctl/sdk/sdktest"
)

func TestServes(t *testing.T) {
	t.Parallel()
	sdktest.Serves(t, compute.Plugin)
}

func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	sdktest.FitsTheAPI(t, compute.Plugin)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	sdktest.Examples(t, compute.Plugin)
}
