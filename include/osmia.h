/* Osmia: run language models on this machine.  The public interface. */
#ifndef OSMIA_H
#define OSMIA_H

#define OSMIA_VERSION "0.1.0"

#endif
