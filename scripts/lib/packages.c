# C and C++: scripts/up --runtimes c.
gcc g++ make cmake ccache
