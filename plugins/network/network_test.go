package network_test

import (
	"testing"

	"github.com/moldctl/moldctl/plugins/network"
	"github.com/moldctl/moldctl/sdk/sdktest"
)

func TestServes(t *testing.T) {
	t.Parallel()
	sdktest.Serves(t, network.Plugin)
}

func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	sdktest.FitsTheAPI(t, network.Plugin)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	sdktest.Examples(t, network.Plugin)
}
