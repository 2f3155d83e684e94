/* training.h - what a model's file says about its training. */
#ifndef SKIN_DATA_TRAINING_H
#define SKIN_DATA_TRAINING_H

/* Metadata of a model file, JSON, by skin-train: tool, epochs, people and validation people by
 * class, and the settings that shape the numbers, the seed among them. Of a file that averages
 * several models: tool, and as members what each of theirs says, or null. */
#define TRAINING_META "training"

#endif
