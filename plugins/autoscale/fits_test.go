package autoscale_test

import (
	"testing"

	"github.com/moldctl/moldctl/plugins/autoscale"
	"github.com/moldctl/moldctl/sdk/sdktest"
)

func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	sdktest.FitsTheAPI(t, autoscale.Plugin)
}
