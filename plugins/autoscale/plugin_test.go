package autoscale

import (
	"testing"

	"github.com/moldctl/moldctl/sdk"
)

func TestPluginFitsItsSpec(t *testing.T) {
	t.Parallel()
	if _, err := sdk.NewServer(Plugin); err != nil {
		t.Fatal(err)
	}
}
