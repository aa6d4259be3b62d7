"""The process around the graph: settings, pools, embedded servers, telemetry and the commands of the terminal."""
