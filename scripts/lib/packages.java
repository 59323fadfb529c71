# Java, and Maven with what its life cycle needs: scripts/up --runtimes java.
default-jdk-headless maven
libmaven-resources-plugin-java libmaven-compiler-plugin-java libsurefire-java
libmaven-jar-plugin-java
