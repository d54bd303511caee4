resource "network" "web" {
  name = "web"
}

resource "load_balancer" "web" {
  network     = network.web.id
  public_port = 80
}

resource "autoscale_group" "web" {
  load_balancer = load_balancer.web.id
  network       = network.web.id
  template      = "Rocky Linux 9"
  offering      = "Medium Instance"
  min_members   = 2
  max_members   = 6

  scale_up "cpu" {
    duration = "60s"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = 70
    }
  }
  scale_down "idle" {
    duration = "120s"
    condition {
      counter   = "cpu"
      operator  = "<"
      threshold = 20
    }
  }
  rollout {
    strategy      = "surge"
    max_surge     = 1
    ready_timeout = "5m"
  }
}
