cloud "inside" {
  endpoint = "http://localhost:1/client/api"
}

resource "network" "a" {
  name = "a"
}

import {
  to = network.a
  id = "x"
}
