# A web service from nothing: build an image, put it behind a load balancer,
# let it grow and shrink with its load.
#
#   moldctl plan     shows what would be done
#   moldctl apply    does it
#   moldctl destroy  takes it all away again
#
# Without an endpoint this runs on the embedded cloud, on this machine. Set
# MOLD_API_URL, MOLD_API_KEY, MOLD_SECRET_KEY (and MOLD_ZONE_NAME) to run it on
# a CloudStack or Mold of yours.

stack "web" {
  version = "1.0.0"
  requires = {
    moldctl = ">= 0.1"
  }
}

# Both take a name, a display text or an id. Set others with --var or
# MOLD_VAR_source_template, MOLD_VAR_offering.
variable "source_template" {
  type        = string
  default     = "Rocky Linux 9"
  description = "Template that the image is built from."
}

variable "offering" {
  type        = string
  default     = "Medium Instance"
  description = "Service offering of the build machine and of the members."
}

resource "network" "web" {
  name        = "lb-demo"
  description = "Isolated network for the load-balanced web service"

  # A default isolated network lets nothing out: without this rule the build
  # machine cannot install packages.
  egress {
    protocol = "all"
  }
}

# What is done to the build machine, in this order, over SSH. A change here
# builds a new image, and the group moves to it.
pipeline "httpd" {
  step "package" "install" {
    names = ["httpd", "php"]
  }
  step "firewall" "http" {
    services = ["http"]
  }
  step "file" "index" {
    path    = "/var/www/html/index.php"
    content = "<?php echo gethostname(); phpinfo(); ?>\n"
  }
  step "service" "httpd" {
    name = "httpd" # enabled and started
  }
  step "http" "serves" {
    port          = 80
    expect_status = 200
  }
}

resource "image" "web" {
  name        = "rocky9-web"
  description = "Rocky Linux 9 with Apache and PHP"
  os_type     = "Rocky Linux 9"
  pipeline    = pipeline.httpd
  public      = true

  source {
    template = var.source_template
    offering = var.offering
    network  = network.web.id
  }

  keep {
    images           = 2 # old versions, for rollback
    source_snapshots = 3 # snapshots of the machine the image was made on
  }
}

resource "load_balancer" "web" {
  network      = network.web.id
  public_port  = 80
  private_port = 80
  algorithm    = "roundrobin"
}

resource "autoscale_group" "web" {
  load_balancer = load_balancer.web.id
  network       = network.web.id
  template      = image.web.id
  offering      = var.offering
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

  # How members are replaced when the image changes: one new one more at a
  # time, none fewer, back to the old image if a new one does not serve.
  rollout {
    strategy        = "surge"
    max_surge       = 1
    max_unavailable = 0
    ready_timeout   = "5m"
    on_failure      = "rollback"
  }
}

output "url" {
  value = "http://${load_balancer.web.address}/"
}
